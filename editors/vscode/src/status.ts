// The status bar: what infill is doing, and a menu.

import * as vscode from 'vscode';

import type { Client, Status } from './client';

const ICONS: Record<Status['status'], string> = {
  stopped: '$(debug-disconnect)',
  loading: '$(loading~spin)',
  ready: '$(sparkle)',
  generating: '$(ellipsis)',
  off: '$(circle-slash)',
  error: '$(warning)',
};
const MEANINGS: Record<Status['status'], string> = {
  stopped: 'The server does not run.',
  loading: 'The model is being loaded.',
  ready: 'Completes while you type.',
  generating: 'Writing.',
  off: 'Completion is off.',
  error: 'Something is wrong.',
};

export class StatusItem implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem('infill.status', vscode.StatusBarAlignment.Right, 100);
  private readonly subscription: vscode.Disposable;

  constructor(client: Client) {
    this.item.name = 'infill';
    this.item.command = 'infill.menu';
    this.subscription = client.onStatus((status) => this.show(status));
    this.show(client.status);
    this.item.show();
  }

  dispose(): void {
    this.subscription.dispose();
    this.item.dispose();
  }

  private show({ status, message, model }: Status): void {
    this.item.text = `${ICONS[status]} infill`;
    this.item.accessibilityInformation = { label: `infill: ${status}` };
    const lines = [message || MEANINGS[status], model && `Model: ${model}`, 'Click for a menu.'];
    this.item.tooltip = lines.filter(Boolean).join('\n');
    this.item.backgroundColor =
      status === 'error' ? new vscode.ThemeColor('statusBarItem.warningBackground') : undefined;
  }
}
