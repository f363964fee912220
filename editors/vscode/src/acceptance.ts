// What becomes of ghost text, reported to the server, which counts it on this machine (`infill stats`).
//
// VS Code runs an item's command when the whole of it was accepted. Of a word or a line it tells extensions nothing,
// so that is read off the edit: it inserts the beginning of a text that stands at that place, and more than a key does.

import * as vscode from 'vscode';

interface Offered {
  id: unknown;
  /** How much of the item's text stands before the cursor already. */
  numTyped: number;
  text: string;
}

export type Report = (command: string, argument: object) => void;

export class Acceptance {
  private uri = '';
  private offset = 0;
  private offered: Offered[] = [];

  /** Remember what is offered now. */
  offer(document: vscode.TextDocument, position: vscode.Position, items: readonly vscode.InlineCompletionItem[]): void {
    this.uri = document.uri.toString();
    this.offset = document.offsetAt(position);
    this.offered = items.flatMap((item) => {
      const id = item.command?.arguments?.[0]?.id;
      if (id === undefined || typeof item.insertText !== 'string') {
        return [];
      }
      const numTyped = item.range ? position.character - item.range.start.character : 0;
      return [{ id, numTyped, text: item.insertText.slice(numTyped) }];
    });
  }

  /** A document changed: report a part of what was offered if that is what came in. */
  follow(event: vscode.TextDocumentChangeEvent, report: Report): void {
    const [change] = event.contentChanges;
    if (change === undefined || event.document.uri.toString() !== this.uri) {
      return;
    }
    const inserted = event.contentChanges.length === 1 && change.rangeLength === 0 && change.rangeOffset === this.offset;
    const accepted =
      inserted && change.text.length > 1
        ? this.offered.find(({ text }) => text.startsWith(change.text) && text !== change.text)
        : undefined;
    if (accepted) {
      report('infill.partiallyAccepted', { id: accepted.id, length: accepted.numTyped + change.text.length });
    }
    this.offered = [];
  }
}
