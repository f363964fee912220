--- The language client: how the server is found, started, started again, and asked to do something.

local config = require('infill.config')
local messages = require('infill.messages')
local rpc = require('infill.rpc')

local M = {}

local RESTARTS, WITHIN_S = 3, 300

---@type integer[] when the server was started again, in seconds
local restarts = {}
---@type table<integer, true> clients that are to end
local is_stopping = {}
---@type table<string, boolean> programs said to be missing
local is_missing = {}

--- The server's command line. Where it is missing, that is said once.
---@return string[]?
local function command()
  local found, missing = config.command()
  if not found and not is_missing[missing] then
    is_missing[missing] = true
    messages.say(('%s is not on your PATH; :checkhealth infill says what to do.'):format(missing), vim.log.levels.WARN)
  end
  return found
end

--- The client's name for the server's end is ours to choose: Neovim's own message is longer than the screen is wide.
---@param dispatchers vim.lsp.rpc.Dispatchers
local function start_server(dispatchers)
  local found = assert(command(), 'infill is not installed')
  local exit = dispatchers.on_exit
  dispatchers.on_exit = function(code, signal)
    M.ended(code, signal)
    exit(0, 0)
  end
  return vim.lsp.rpc.start(found, dispatchers)
end

---@param bufnr integer
---@return string?
local function root(bufnr)
  return vim.fs.root(bufnr, config.options.root_markers)
end

--- One server serves all projects: each more would load the model once more.
---@param client vim.lsp.Client
---@param wanted vim.lsp.ClientConfig
local function reuse(client, wanted)
  if client.name ~= 'infill' or is_stopping[client.id] then
    return false
  end
  local folder = wanted.root_dir and { uri = vim.uri_from_fname(wanted.root_dir), name = wanted.root_dir }
  client.workspace_folders = client.workspace_folders or {}
  local is_known = vim.iter(client.workspace_folders):any(function(each)
    return folder and each.uri == folder.uri
  end)
  if folder and not is_known then
    table.insert(client.workspace_folders, folder)
    rpc.notify(client, 'workspace/didChangeWorkspaceFolders', { event = { added = { folder }, removed = {} } })
  end
  return true
end

--- The client's configuration, for `vim.lsp.enable` and for `vim.lsp.start`.
---@return vim.lsp.Config
function M.config()
  local has_ghost_text = config.ghost_text() ~= 'off'
  local capabilities = { experimental = { infill = { status = true } } }
  if has_ghost_text then
    capabilities.textDocument = { inlineCompletion = { dynamicRegistration = false } }
  end
  return {
    name = 'infill',
    cmd = start_server,
    filetypes = config.options.filetypes,
    root_dir = function(bufnr, on_dir)
      if command() then
        on_dir(root(bufnr))
      end
    end,
    reuse_client = reuse,
    settings = { infill = config.options.settings },
    init_options = config.options.settings,
    capabilities = vim.tbl_deep_extend('force', vim.lsp.protocol.make_client_capabilities(), capabilities),
    before_init = function(params)
      if not has_ghost_text then
        params.capabilities.textDocument.inlineCompletion = nil
      end
    end,
    handlers = {
      ['$/infill/status'] = require('infill.status').on_status,
      ['window/showMessage'] = messages.on_show_message,
    },
    flags = { debounce_text_changes = 0 },
  }
end

--- Start or reuse the server for a buffer.
---@param bufnr integer
local function start(bufnr)
  local filetypes = config.options.filetypes
  local is_wanted = not filetypes or vim.tbl_contains(filetypes, vim.bo[bufnr].filetype)
  if vim.bo[bufnr].buftype == '' and vim.bo[bufnr].filetype ~= '' and is_wanted and command() then
    local wanted = vim.lsp.config and vim.deepcopy(vim.lsp.config.infill) or M.config()
    wanted.root_dir = root(bufnr)
    vim.lsp.start(wanted, { bufnr = bufnr, reuse_client = reuse })
  end
end

--- Start the server for each file from now on.
function M.enable()
  if vim.lsp.enable then
    vim.lsp.config('infill', M.config())
    vim.lsp.enable('infill')
    return
  end
  local group = vim.api.nvim_create_augroup('infill.start', {})
  vim.api.nvim_create_autocmd('FileType', {
    group = group,
    callback = function(event)
      start(event.buf)
    end,
  })
  M.start_everywhere()
end

--- Start the server for the files that are open.
function M.start_everywhere()
  for _, bufnr in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_is_loaded(bufnr) then
      start(bufnr)
    end
  end
end

---@return vim.lsp.Client? that is up
function M.get()
  return vim.lsp.get_clients({ name = 'infill' })[1]
end

--- The server has ended. Unless it was told to, it is started again, a few times.
---@param code integer
---@param signal integer
function M.ended(code, signal)
  vim.schedule(function()
    local client = M.get()
    local was_told = vim.v.exiting ~= vim.NIL or (client and is_stopping[client.id]) or (code == 0 and signal == 0)
    require('infill.status').set(nil)
    if client then
      rpc.forget(client.id)
    end
    if was_told then
      return
    end
    local now = os.time()
    restarts = vim.tbl_filter(function(time)
      return now - time < WITHIN_S
    end, restarts)
    local how = signal ~= 0 and ('signal %d'):format(signal) or ('status %d'):format(code)
    if #restarts >= RESTARTS then
      messages.say(('the server keeps ending (%s). See :Infill log, then :Infill restart.'):format(how), vim.log.levels.ERROR)
      return
    end
    table.insert(restarts, now)
    messages.say(('the server ended (%s); starting it again.'):format(how), vim.log.levels.WARN)
    vim.defer_fn(M.start_everywhere, 500)
  end)
end

--- End the server and start it anew.
function M.restart()
  restarts = {}
  local client = M.get()
  if not client then
    M.start_everywhere()
    return
  end
  is_stopping[client.id] = true
  client.stop(vim.fn.has('nvim-0.11') == 1 and client or nil)
  local tries = 0
  local function start_when_ended()
    tries = tries + 1
    if vim.lsp.get_client_by_id(client.id) and tries < 50 then
      vim.defer_fn(start_when_ended, 100)
    else
      M.start_everywhere()
    end
  end
  start_when_ended()
end

--- Have the server run one of its commands. Without `on_result` the answer is of no interest.
---@param client vim.lsp.Client
---@param name string
---@param argument? any
---@param on_result? fun(result: any)
function M.execute(client, name, argument, on_result)
  local params = { command = name, arguments = argument ~= nil and { argument } or {} }
  rpc.request(client, 'workspace/executeCommand', params, function(error, result)
    if error then
      messages.say(error.message, vim.log.levels.ERROR)
    elseif on_result then
      on_result(result)
    end
  end, 0)
end

return M
