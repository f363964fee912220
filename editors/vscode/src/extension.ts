// What VS Code calls: everything is put together here.

import * as vscode from 'vscode';

import { Acceptance } from './acceptance';
import { Client } from './client';
import { registerCommands } from './commands';
import { Proposals } from './proposals';
import { ServerFinder } from './server';
import { StatusItem } from './status';
import { ShownTexts } from './texts';

let client: Client | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const log = vscode.window.createOutputChannel('infill', { log: true });
  const texts = new ShownTexts();
  const finder = new ServerFinder(context, log);
  client = new Client(finder, log, new Acceptance(), new Proposals(texts), settingsOf(context));
  const status = new StatusItem(client);
  context.subscriptions.push(log, texts, client, status, ...registerCommands(client, finder, texts, log));
  await client.start();
}

export async function deactivate(): Promise<void> {
  await client?.stop();
}

/** The names of the server's settings, without the section: those of package.json that are not the extension's own. */
function settingsOf(context: vscode.ExtensionContext): string[] {
  const { properties } = context.extension.packageJSON.contributes.configuration;
  return Object.keys(properties)
    .map((name) => name.replace(/^infill\./, ''))
    .filter((name) => name !== 'server.path');
}
