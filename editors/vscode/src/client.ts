// The language client: started, started again, stopped, and asked to do things.

import * as vscode from 'vscode';
import {
  CloseAction,
  ErrorAction,
  ExecuteCommandRequest,
  LanguageClient,
  LSPErrorCodes,
  ResponseError,
  RevealOutputChannelOn,
  State,
  type CloseHandlerResult,
  type ConfigurationParams,
  type LanguageClientOptions,
  type Middleware,
  type StaticFeature,
} from 'vscode-languageclient/node';

import type { Acceptance } from './acceptance';
import type { Proposals } from './proposals';
import { SECTION, type ServerFinder } from './server';

const MAX_RESTARTS = 3;
const WITHIN_MS = 5 * 60_000;

/** What the server says of itself (`$/infill/status`). */
export interface Status {
  status: 'stopped' | 'loading' | 'ready' | 'generating' | 'off' | 'error';
  message: string;
  model: string;
}

const STOPPED: Status = { status: 'stopped', message: '', model: '' };

/** What the server must know that the client can, and plain LSP has no word for. */
const ABILITIES: StaticFeature = {
  fillClientCapabilities: (capabilities) => {
    capabilities.experimental = { infill: { status: true, acceptance: true } };
  },
  initialize: () => {},
  getState: () => ({ kind: 'static' }),
  clear: () => {},
};

/** Its errors go to the log alone: what a user must know is said once, by the server or below. */
class QuietClient extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}

export class Client implements vscode.Disposable {
  private client: LanguageClient | undefined;
  private restarts: number[] = [];
  private wasUp = false;
  private readonly statusChanged = new vscode.EventEmitter<Status>();
  private readonly subscriptions: vscode.Disposable[];
  readonly onStatus = this.statusChanged.event;
  status = STOPPED;

  constructor(
    private readonly finder: ServerFinder,
    private readonly log: vscode.LogOutputChannel,
    private readonly acceptance: Acceptance,
    private readonly proposals: Proposals,
    private readonly settings: readonly string[],
  ) {
    this.subscriptions = [
      vscode.workspace.onDidChangeConfiguration((event) => this.follow(event)),
      vscode.workspace.onDidChangeTextDocument((event) =>
        this.acceptance.follow(event, (command, argument) => void this.execute(command, argument)),
      ),
    ];
  }

  /** Start the server if there is one; else offer to install it. */
  async start(): Promise<void> {
    const command = await this.finder.find();
    if (command === undefined) {
      this.tell({ ...STOPPED, status: 'error', message: 'The server is not installed.' });
      return;
    }
    const server = { command, args: ['serve'] };
    this.client = new QuietClient('infill', 'infill', server, this.options());
    this.client.registerFeature(ABILITIES);
    this.client.onNotification('$/infill/status', (status: Status) => this.tell(status));
    this.client.onDidChangeState(({ newState }) => newState === State.Stopped && this.tell(STOPPED));
    this.wasUp = false;
    try {
      await this.client.start();
      this.wasUp = true;
    } catch (error) {
      this.log.error(`${command} did not start: ${error}`);
      await this.sayThatItEnds(`infill: ${command} did not start.`);
    }
  }

  async stop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    // A server that is just starting cannot be stopped; it ends with its standard input.
    await client?.dispose().catch((error) => this.log.warn(`While stopping: ${error}`));
    this.tell(STOPPED);
  }

  async restart(): Promise<void> {
    this.restarts = [];
    await this.stop();
    await this.start();
  }

  get isRunning(): boolean {
    return this.client?.isRunning() ?? false;
  }

  /** Have the server run one of its commands. Undefined where that failed: the server has told the user why. */
  async execute<Result>(command: string, ...argument: object[] | boolean[]): Promise<Result | undefined> {
    if (!this.client?.isRunning()) {
      return undefined;
    }
    try {
      return await this.client.sendRequest(ExecuteCommandRequest.type, { command, arguments: argument });
    } catch (error) {
      const isTold = error instanceof ResponseError && error.code === LSPErrorCodes.RequestFailed;
      this.log[isTold ? 'info' : 'error'](`${command}: ${error}`);
      return undefined;
    }
  }

  /** Have a range changed as an instruction says; what the model proposes is shown first. */
  async edit(document: vscode.TextDocument, range: vscode.Range, instruction: string): Promise<void> {
    const converter = this.client?.code2ProtocolConverter;
    if (converter === undefined) {
      return;
    }
    this.proposals.isExpected = true;
    try {
      const uri = converter.asUri(document.uri);
      await this.execute('infill.edit', { uri, range: converter.asRange(range), instruction });
    } finally {
      this.proposals.isExpected = false;
    }
  }

  dispose(): void {
    this.subscriptions.forEach((each) => each.dispose());
    this.statusChanged.dispose();
  }

  private tell(status: Status): void {
    this.status = status;
    this.statusChanged.fire(status);
  }

  private options(): LanguageClientOptions {
    return {
      documentSelector: [{ scheme: 'file' }, { scheme: 'untitled' }],
      outputChannel: this.log,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      initializationFailedHandler: () => false, // whoever starts it says so
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue, handled: true }), // what cannot be mended closes, too
        closed: () => this.closed(),
      },
      middleware: this.middleware(),
    };
  }

  private middleware(): Middleware {
    return {
      provideInlineCompletionItems: async (document, position, context, token, next) => {
        const result = await next(document, position, context, token);
        const items = Array.isArray(result) ? result : (result?.items ?? []);
        this.acceptance.offer(document, position, items);
        return result;
      },
      workspace: {
        configuration: (params) => this.configured(params),
        handleApplyEdit: async (params, next) => {
          if (this.proposals.isExpected && this.client) {
            const edit = await this.client.protocol2CodeConverter.asWorkspaceEdit(params.edit);
            if (!(await this.proposals.isWanted(edit))) {
              return { applied: false };
            }
          }
          return next(params, new vscode.CancellationTokenSource().token);
        },
      },
    };
  }

  /** Only what is set: VS Code's answer would have every default, and hide the user's and the project's files. */
  private configured(params: ConfigurationParams): object[] {
    const configuration = vscode.workspace.getConfiguration(SECTION);
    const values: Record<string, unknown> = {};
    for (const name of this.settings) {
      const found = configuration.inspect(name);
      const value = found?.workspaceFolderValue ?? found?.workspaceValue ?? found?.globalValue;
      if (value !== undefined) {
        values[name] = value;
      }
    }
    return params.items.map(() => values);
  }

  private follow(event: vscode.ConfigurationChangeEvent): void {
    if (event.affectsConfiguration(`${SECTION}.server`)) {
      void this.restart();
    } else if (event.affectsConfiguration(SECTION) && this.client?.isRunning()) {
      void this.client.sendNotification('workspace/didChangeConfiguration', { settings: null });
    }
  }

  /** The server has ended without being told to. */
  private closed(): CloseHandlerResult {
    if (!this.wasUp) {
      return { action: CloseAction.DoNotRestart, handled: true }; // whoever starts it says so
    }
    const now = Date.now();
    this.restarts = this.restarts.filter((time) => now - time < WITHIN_MS);
    if (this.restarts.length >= MAX_RESTARTS) {
      void this.sayThatItEnds('infill: the server keeps ending.');
      return { action: CloseAction.DoNotRestart, handled: true };
    }
    if (this.restarts.length === 0) {
      void vscode.window.showInformationMessage('infill: the server ended and is started again.');
    }
    this.restarts.push(now);
    return { action: CloseAction.Restart, handled: true };
  }

  private async sayThatItEnds(message: string): Promise<void> {
    const choice = await vscode.window.showErrorMessage(message, 'Show Log', 'Restart');
    if (choice === 'Show Log') {
      this.log.show();
    } else if (choice === 'Restart') {
      await this.restart();
    }
  }
}
