// Choosing a model, and getting one: `infill models` does both.

import * as vscode from 'vscode';

import { run, SECTION, type ServerFinder } from './server';

/** One model as `infill models list --json` has it. */
interface Model {
  name: string;
  licence: string;
  licence_summary: string;
  context_tokens?: number; // a server of before 0.1 calls it otherwise
  fills: boolean;
  chats: boolean;
  files: { name: string; gigabytes: number; here: boolean }[];
}

type Item = vscode.QuickPickItem & { model?: Model; value?: string };

const EMBEDDED: Item = { label: 'embedded model', description: 'ships with infill; small and weak', value: '' };
const OTHER: Item = { label: 'another…', description: 'a path of a GGUF, or OWNER/REPOSITORY:FILE on the hub' };

/** Set `infill.model` or `infill.chat.model`. A model that is not here is then offered for download by the server. */
export async function selectModel(finder: ServerFinder, setting: 'model' | 'chat.model'): Promise<void> {
  const models = (await list(finder)).filter((model) => (setting === 'model' ? model.fills : model.chats));
  const items = [...models.map(toItem), OTHER];
  const chosen = await vscode.window.showQuickPick(setting === 'model' ? [EMBEDDED, ...items] : items, {
    title: setting === 'model' ? 'The model that completes' : 'The instruct model, for edits and explanations',
    matchOnDescription: true,
  });
  const value = chosen === OTHER ? await askForName() : (chosen?.value ?? chosen?.model?.name);
  if (value !== undefined) {
    const configuration = vscode.workspace.getConfiguration(SECTION);
    await configuration.update(setting, value, vscode.ConfigurationTarget.Global);
  }
}

/** Download a model with progress. What has arrived is kept when that is cancelled. */
export async function pullModel(finder: ServerFinder): Promise<void> {
  const missing = (await list(finder)).filter((model) => !model.files.some((file) => file.here));
  const items = missing.map(toItem);
  const chosen = await vscode.window.showQuickPick([...items, OTHER], { title: 'Which model?', matchOnDescription: true });
  const name = chosen === OTHER ? await askForName() : chosen?.model?.name;
  if (!name || !(await accepts(name, chosen?.model))) {
    return;
  }
  const options = {
    location: vscode.ProgressLocation.Notification,
    title: `infill: getting ${name}`,
    cancellable: true,
  };
  const program = await finder.installed();
  try {
    await vscode.window.withProgress(options, async (progress, token) => {
      let before = 0;
      const report = (line: string) => {
        const [, here, total, unit] = /([\d.]+)\/([\d.]+) (\w+)/.exec(line) ?? [];
        if (total) {
          const percent = (100 * Number(here)) / Number(total);
          progress.report({ increment: percent - before, message: `${here} of ${total} ${unit}` });
          before = percent;
        }
      };
      // A bar is drawn where there is a terminal, or where this says so.
      const environment = { FORCE_COLOR: '1', TTY_INTERACTIVE: '1', COLUMNS: '160' };
      await run(program!, ['models', 'pull', name, '--yes'], report, token, environment);
    });
  } catch (error) {
    if (!(error instanceof vscode.CancellationError)) {
      void vscode.window.showErrorMessage(`infill: ${error instanceof Error ? error.message : error}`);
    }
    return;
  }
  const use = await vscode.window.showInformationMessage(`infill: ${name} is here.`, 'Use It');
  if (use) {
    const isForChat = chosen?.model?.fills === false;
    const configuration = vscode.workspace.getConfiguration(SECTION);
    await configuration.update(isForChat ? 'chat.model' : 'model', name, vscode.ConfigurationTarget.Global);
  }
}

async function list(finder: ServerFinder): Promise<Model[]> {
  const program = await finder.installed();
  if (program === undefined) {
    throw new Error('infill is not installed. Run "infill: Install the Server".');
  }
  return JSON.parse(await run(program, ['models', 'list', '--json']));
}

function toItem(model: Model): Item {
  const files = model.files.map(({ name, gigabytes, here }) => {
    const size = gigabytes ? ` ${gigabytes.toFixed(1)} GB` : '';
    return `${name}${size}${here ? ' (here)' : ''}`;
  });
  return {
    label: model.name,
    description: files.join(', '),
    detail: `${model.licence}; context of ${model.context_tokens?.toLocaleString() ?? 'unknown'} tokens`,
    model,
  };
}

async function askForName(): Promise<string | undefined> {
  return vscode.window.showInputBox({ prompt: 'A path of a GGUF, or OWNER/REPOSITORY:FILE on the hub' });
}

async function accepts(name: string, model: Model | undefined): Promise<boolean> {
  const detail = model ? `${model.licence}: ${model.licence_summary}` : 'Read its licence on its page first.';
  const choice = await vscode.window.showInformationMessage(`Download ${name}?`, { modal: true, detail }, 'Download');
  return choice !== undefined;
}
