// The commands of the palette and of the status bar's menu.

import * as vscode from 'vscode';

import type { Client } from './client';
import { pullModel, selectModel } from './models';
import { SECTION, type ServerFinder } from './server';
import type { ShownTexts } from './texts';

type Scope = 'all' | 'language' | 'folder';

export function registerCommands(
  client: Client,
  finder: ServerFinder,
  texts: ShownTexts,
  log: vscode.LogOutputChannel,
): vscode.Disposable[] {
  const commands: Record<string, () => unknown> = {
    menu: () => showMenu(client),
    toggleCompletion: () => toggle(client, 'all'),
    toggleLanguage: () => toggle(client, 'language'),
    toggleFolder: () => toggle(client, 'folder'),
    snooze: () => snooze(client),
    selectModel: () => selectModel(finder, 'model'),
    selectChatModel: () => selectModel(finder, 'chat.model'),
    pullModel: () => pullModel(finder),
    editByInstruction: () => editByInstruction(client),
    explain: () => show(client, texts, 'infill.explainLast', 'last completion.txt'),
    reportState: () => show(client, texts, 'infill.dumpState', 'state of infill.txt'),
    install: () => finder.install(),
    openSettings: () => vscode.commands.executeCommand('workbench.action.openSettings', `${SECTION}.`),
    showLog: () => log.show(),
    restart: () => client.restart(),
  };
  return Object.entries(commands).map(([name, run]) => vscode.commands.registerCommand(`${SECTION}.${name}`, run));
}

async function showMenu(client: Client): Promise<void> {
  const { status } = client.status;
  const language = vscode.window.activeTextEditor?.document.languageId;
  const isUp = client.isRunning;
  const items: (vscode.QuickPickItem & { command?: string; isOffered?: boolean })[] = [
    {
      label: status === 'off' ? '$(play) Switch completion on' : '$(circle-slash) Switch completion off',
      command: 'toggleCompletion',
      isOffered: isUp,
    },
    { label: `$(symbol-file) Off or on in ${language}`, command: 'toggleLanguage', isOffered: isUp && !!language },
    { label: '$(folder) Off or on in this folder', command: 'toggleFolder', isOffered: isUp && !!currentFolder() },
    { label: '$(clock) Off for some minutes…', command: 'snooze', isOffered: isUp },
    { label: '$(edit) Edit by instruction…', command: 'editByInstruction', isOffered: isUp && !!language },
    { label: '$(question) Explain the last completion', command: 'explain', isOffered: isUp },
    { label: 'Model', kind: vscode.QuickPickItemKind.Separator },
    { label: '$(symbol-misc) Select the model…', command: 'selectModel' },
    { label: '$(comment) Select the chat model…', command: 'selectChatModel' },
    { label: '$(cloud-download) Download a model…', command: 'pullModel' },
    { label: 'Server', kind: vscode.QuickPickItemKind.Separator },
    { label: '$(gear) Settings', command: 'openSettings' },
    { label: '$(output) Show the log', command: 'showLog' },
    { label: '$(debug-restart) Restart', command: 'restart', isOffered: isUp },
    { label: '$(desktop-download) Install the server', command: 'install', isOffered: !isUp },
  ];
  const { message, model } = client.status;
  const chosen = await vscode.window.showQuickPick(
    items.filter((item) => item.isOffered ?? true),
    { title: `infill: ${status}${model && ` with ${model}`}`, placeHolder: message || undefined },
  );
  if (chosen?.command) {
    await vscode.commands.executeCommand(`${SECTION}.${chosen.command}`);
  }
}

async function toggle(client: Client, scope: Scope): Promise<void> {
  const value = {
    all: () => '',
    language: () => vscode.window.activeTextEditor?.document.languageId,
    folder: () => currentFolder()?.toString(),
  }[scope]();
  if (value === undefined) {
    void vscode.window.showInformationMessage('infill: open a file first.');
    return;
  }
  const result = await client.execute<{ on: boolean }>('infill.toggle', { scope, value });
  if (result) {
    const where = { all: '', language: ` in ${value}`, folder: ' in this folder' }[scope];
    vscode.window.setStatusBarMessage(`infill: completion is ${result.on ? 'on' : 'off'}${where}.`, 5000);
  }
}

function currentFolder(): vscode.Uri | undefined {
  const document = vscode.window.activeTextEditor?.document;
  return document && vscode.workspace.getWorkspaceFolder(document.uri)?.uri;
}

async function snooze(client: Client): Promise<void> {
  const items = [5, 15, 30, 60].map((minutes) => ({ label: `${minutes} minutes`, minutes }));
  const chosen = await vscode.window.showQuickPick(items, { title: 'No completions for…' });
  if (chosen) {
    await client.execute('infill.toggle', { on: false, minutes: chosen.minutes });
  }
}

async function editByInstruction(client: Client): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const chat = await client.execute<{ available: boolean; message: string }>('infill.chatStatus');
  if (!editor || !chat) {
    return;
  }
  if (!chat.available) {
    const choice = await vscode.window.showWarningMessage(`infill: ${chat.message}`, 'Select the Chat Model');
    if (choice) {
      await vscode.commands.executeCommand('infill.selectChatModel');
    }
    return;
  }
  const { document, selection } = editor;
  const instruction = await vscode.window.showInputBox({
    title: selection.isEmpty ? `Change line ${selection.start.line + 1}` : 'Change the selected lines',
    prompt: 'What shall change? The difference is shown before anything does.',
    placeHolder: 'return early when the list is empty',
  });
  if (instruction?.trim()) {
    await client.edit(document, selection, instruction);
  }
}

async function show(client: Client, texts: ShownTexts, command: string, name: string): Promise<void> {
  const text = await client.execute<string>(command);
  if (text !== undefined) {
    await texts.show(name, text);
  }
}
