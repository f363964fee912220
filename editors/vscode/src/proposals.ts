// An edit by instruction is shown as a difference first, and applied when the user says so.

import * as path from 'node:path';

import * as vscode from 'vscode';

import { ShownTexts } from './texts';

const APPLY = { label: '$(check) Apply', description: 'one undo takes it back' };
const DISCARD = { label: '$(discard) Discard' };

export class Proposals {
  /** Whether the next edit that the server wants applied is one to be shown. */
  isExpected = false;

  constructor(private readonly texts: ShownTexts) {}

  /** Show what an edit would change in one document; whether the user wants it. */
  async isWanted(edit: vscode.WorkspaceEdit): Promise<boolean> {
    const [[uri, edits]] = edit.entries();
    const document = await vscode.workspace.openTextDocument(uri);
    const name = path.posix.basename(uri.path);
    const proposed = this.texts.set(`proposal/${name}`, applied(document, edits));
    const source = vscode.window.activeTextEditor;
    await vscode.commands.executeCommand('vscode.diff', uri, proposed, `${name}: as instructed`, { preview: true });
    const choice = await vscode.window.showQuickPick([APPLY, DISCARD], {
      title: 'infill: the model proposes this change',
      ignoreFocusOut: true, // so that the difference can be scrolled
    });
    await close(proposed);
    if (source) {
      await vscode.window.showTextDocument(source.document, source.viewColumn);
    }
    return choice === APPLY;
  }
}

function applied(document: vscode.TextDocument, edits: readonly vscode.TextEdit[]): string {
  let text = document.getText();
  const fromTheEnd = [...edits].sort((one, other) => other.range.start.compareTo(one.range.start));
  for (const edit of fromTheEnd) {
    text = text.slice(0, document.offsetAt(edit.range.start)) + edit.newText + text.slice(document.offsetAt(edit.range.end));
  }
  return text;
}

async function close(proposed: vscode.Uri): Promise<void> {
  const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
  const shown = tabs.filter(
    (tab) => tab.input instanceof vscode.TabInputTextDiff && tab.input.modified.toString() === proposed.toString(),
  );
  await vscode.window.tabGroups.close(shown);
}
