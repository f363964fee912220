// Where the server is: the setting, the PATH, or a virtual environment of the extension's own, which can be installed.

import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdir, readdir, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';

import * as vscode from 'vscode';

export const SECTION = 'infill';

const IS_WINDOWS = process.platform === 'win32';
const PROGRAM = IS_WINDOWS ? 'infill.exe' : 'infill';
const PYTHONS = IS_WINDOWS ? ['py', 'python'] : ['python3', 'python'];
const IS_NEW_ENOUGH = 'import sys; sys.exit(sys.version_info < (3, 11))';
const DO_NOT_ASK = 'doNotAskToInstall';

export class ServerFinder {
  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly log: vscode.LogOutputChannel,
  ) {}

  /** The program `infill`; undefined where there is none, after offering to install it unless that was turned down. */
  async find(): Promise<string | undefined> {
    const found = await this.installed();
    if (found === undefined && !this.context.globalState.get(DO_NOT_ASK)) {
      void this.offer();
    }
    return found;
  }

  /** The program `infill`; undefined where there is none. */
  async installed(): Promise<string | undefined> {
    const configured = vscode.workspace.getConfiguration(SECTION).get<string>('server.path');
    if (configured) {
      return configured.replace(/^~(?=[/\\])/, homedir()); // where it is wrong, starting it says so
    }
    const folders = (process.env.PATH ?? '').split(path.delimiter).filter(Boolean);
    for (const candidate of [...folders.map((folder) => path.join(folder, PROGRAM)), this.own(PROGRAM)]) {
      if (await isExecutable(candidate)) {
        return candidate;
      }
    }
    return undefined;
  }

  /** Install the server that this extension was built with into a virtual environment of its own. */
  async install(): Promise<void> {
    const options = { location: vscode.ProgressLocation.Notification, title: 'infill: installing', cancellable: true };
    try {
      await vscode.window.withProgress(options, (progress, token) => this.installInto(progress, token));
    } catch (error) {
      await rm(this.environment, { recursive: true, force: true }); // half of it would be found as if it were whole
      if (error instanceof vscode.CancellationError) {
        return;
      }
      this.log.error(String(error));
      const message = `infill was not installed. ${error instanceof Error ? error.message : error}`;
      if ((await vscode.window.showErrorMessage(message, 'Show Log')) !== undefined) {
        this.log.show();
      }
      return;
    }
    await vscode.commands.executeCommand('infill.restart');
  }

  private async offer(): Promise<void> {
    const message =
      'infill needs its server, a Python program. Install it for this extension only? ' +
      'That takes Python 3.11 or later, a C++ compiler and some five minutes.';
    const choice = await vscode.window.showInformationMessage(message, 'Install', 'Set Its Path', "Don't Ask Again");
    if (choice === 'Install') {
      await this.install();
    } else if (choice === 'Set Its Path') {
      await vscode.commands.executeCommand('workbench.action.openSettings', `${SECTION}.server.path`);
    } else if (choice !== undefined) {
      await this.context.globalState.update(DO_NOT_ASK, true);
    }
  }

  private async installInto(progress: vscode.Progress<{ message: string }>, token: vscode.CancellationToken) {
    const report = (line: string) => {
      this.log.info(line);
      progress.report({ message: line.trim().slice(0, 80) });
    };
    const storage = this.context.globalStorageUri.fsPath;
    await mkdir(storage, { recursive: true });
    for (const name of await readdir(storage)) {
      if (name.startsWith('server-')) {
        await rm(path.join(storage, name), { recursive: true }); // of an earlier version
      }
    }
    const shipped = this.context.asAbsolutePath('server');
    const files = await readdir(shipped);
    const wheel = files.find((name) => name.endsWith('.whl'));
    if (wheel === undefined) {
      throw new Error(`This build of the extension has no server in ${shipped}.`);
    }
    const python = await findPython();
    await run(python, ['-m', 'venv', this.environment], report, token);
    const pip = [this.own(IS_WINDOWS ? 'python.exe' : 'python'), '-m', 'pip', 'install', '--progress-bar', 'off'];
    const [command, ...install] = pip;
    await run(command, [...install, '-r', path.join(shipped, 'requirements.lock')], report, token);
    await run(command, [...install, '--no-deps', path.join(shipped, wheel)], report, token);
  }

  private get environment(): string {
    const { version } = this.context.extension.packageJSON;
    return path.join(this.context.globalStorageUri.fsPath, `server-${version}`);
  }

  private own(program: string): string {
    return path.join(this.environment, IS_WINDOWS ? 'Scripts' : 'bin', program);
  }
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function findPython(): Promise<string> {
  for (const command of PYTHONS) {
    try {
      await run(command, ['-c', IS_NEW_ENOUGH]);
      return command;
    } catch {
      continue; // another may do
    }
  }
  throw new Error('Python 3.11 or later was not found. Install it, and then run "infill: Install the Server".');
}

/**
 * Run a program and return what it printed; `onLine` has each line as it comes. Cancelling ends it.
 * Rejects with the last line that it wrote to standard error, or with `CancellationError`.
 */
export function run(
  command: string,
  args: string[],
  onLine: (line: string) => void = () => {},
  token?: vscode.CancellationToken,
  environment: NodeJS.ProcessEnv = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: !IS_WINDOWS, // a group of its own, so that what it starts ends with it
    });
    const end = () => (IS_WINDOWS ? child.kill() : process.kill(-child.pid!));
    const cancelling = token?.onCancellationRequested(end);
    let printed = '';
    let last = '';
    const take = (chunk: string) => {
      for (const line of chunk.split(/[\r\n]+/).filter((each) => each.trim())) {
        onLine(line);
      }
    };
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      printed += chunk;
      take(chunk);
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      last = chunk.trim().split('\n').at(-1) || last;
      take(chunk);
    });
    child.on('error', reject);
    child.on('close', (status, signal) => {
      cancelling?.dispose();
      if (token?.isCancellationRequested) {
        reject(new vscode.CancellationError());
      } else if (status !== 0) {
        reject(new Error(last || `${command} ended by ${signal ?? `status ${status}`}.`));
      } else {
        resolve(printed);
      }
    });
  });
}
