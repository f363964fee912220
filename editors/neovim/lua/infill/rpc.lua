--- Talking to a client object, whose methods were plain functions before Neovim 0.11.

local M = {}

M.INLINE = 'textDocument/inlineCompletion'
M.BY_HAND, M.BY_TYPING = 1, 2 -- InlineCompletionTriggerKind

local has_methods = vim.fn.has('nvim-0.11') == 1

---@type table<integer, fun(...): boolean, integer?> by client: its own `request`, where ours has taken its place
local requests = {}
---@type table<integer, table<string, fun(params: table, handler: lsp.Handler): boolean, integer?>>
local diverted = {}

---@param client vim.lsp.Client
---@param name string
local function call(client, name, ...)
  if has_methods then
    return client[name](client, ...)
  end
  return client[name](...)
end

--- Send a request, whatever is diverted.
---@param client vim.lsp.Client
---@param method string
---@param params table
---@param handler lsp.Handler
---@param bufnr integer
---@return boolean is_sent
---@return integer? id
function M.request(client, method, params, handler, bufnr)
  if requests[client.id] then
    return requests[client.id](client, method, params, handler, bufnr)
  end
  return call(client, 'request', method, params, handler, bufnr)
end

---@param client vim.lsp.Client
---@param id integer
function M.cancel(client, id)
  call(client, 'cancel_request', id)
end

---@param client vim.lsp.Client
---@param method string
---@param params table
function M.notify(client, method, params)
  call(client, 'notify', method, params)
end

--- Have the requests that Neovim makes of one method for one buffer handled by a function (Neovim 0.11 and later).
---@param client vim.lsp.Client
---@param method string
---@param bufnr integer
---@param handle fun(params: table, handler: lsp.Handler): boolean, integer?
function M.divert(client, method, bufnr, handle)
  if not requests[client.id] then
    local request = client.request
    requests[client.id], diverted[client.id] = request, {}
    client.request = function(self, asked, params, handler, number)
      number = vim._resolve_bufnr and vim._resolve_bufnr(number) or number
      local handle_it = asked == method and diverted[client.id][number]
      if handle_it then
        return handle_it(params, handler)
      end
      return request(self, asked, params, handler, number)
    end
  end
  diverted[client.id][bufnr] = handle
end

--- Forget a client that has ended.
---@param client_id integer
function M.forget(client_id)
  requests[client_id], diverted[client_id] = nil, nil
end

return M
