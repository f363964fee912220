--- Ghost text by `vim.lsp.inline_completion` of Neovim 0.12, with what it lacks.
---
--- It asks, 200 ms after the last key, and draws; the items of other servers stand beside ours. What it lacks: it never
--- cancels a request while you type, shows an answer wherever the cursor is meanwhile, keeps showing a text that what
--- was typed contradicts, and inserts where the answer was asked for. So its requests to our server go through
--- `ghost.ask`, and what it shows of ours is what we hand to the handler it gave us: always for the cursor as it is.

local rpc = require('infill.rpc')

local M = {}

---@type table<integer, lsp.Handler> by buffer: what takes the items of an answer
local handlers = {}
---@type table<integer, boolean> by buffer: the next request is by hand
local is_by_hand = {}
---@type table<integer, integer> by buffer: our client there
local clients = {}

--- Have Neovim draw in this buffer, and ask through `ask`.
---@param client vim.lsp.Client
---@param bufnr integer
---@param ask fun(by_hand: boolean): boolean, integer?
function M.attach(client, bufnr, ask)
  handlers[bufnr], clients[bufnr] = nil, client.id
  rpc.divert(client, rpc.INLINE, bufnr, function(params, handler)
    handlers[bufnr] = handler
    local by_hand = is_by_hand[bufnr] or params.context.triggerKind == rpc.BY_HAND
    is_by_hand[bufnr] = nil
    return ask(by_hand)
  end)
  vim.lsp.inline_completion.enable(true, { bufnr = bufnr })
end

---@param bufnr integer
function M.detach(bufnr)
  handlers[bufnr], clients[bufnr], is_by_hand[bufnr] = nil, nil, nil
end

--- Whether there is something to draw with. Before Neovim's first request there is not; the one to come is then by hand.
---@param bufnr integer
---@return boolean
function M.is_ready(bufnr)
  is_by_hand[bufnr] = not handlers[bufnr]
  return handlers[bufnr] ~= nil
end

---@param bufnr integer
---@param items lsp.InlineCompletionItem[]
local function deliver(bufnr, items)
  local handler = handlers[bufnr]
  if handler and vim.lsp.get_client_by_id(clients[bufnr]) then
    handler(nil, { items = items }, { client_id = clients[bufnr], method = rpc.INLINE, bufnr = bufnr })
  end
end

--- Draw the items, the selected one first, at the cursor.
---@param bufnr integer
---@param offer infill.Offer
function M.show(bufnr, offer)
  local client = assert(vim.lsp.get_client_by_id(clients[bufnr]))
  local cursor = vim.lsp.util.make_position_params(0, client.offset_encoding).position
  local items = {}
  for i = 0, #offer.items - 1 do
    local item = offer.items[(offer.index - 1 + i) % #offer.items + 1]
    table.insert(items, { insertText = item.text, range = { start = cursor, ['end'] = cursor }, command = item.command })
  end
  deliver(bufnr, items)
end

--- Draw nothing of ours.
---@param bufnr integer
function M.hide(bufnr)
  deliver(bufnr, {})
end

--- The item that is shown; nil if it is another server's, which Neovim then accepts itself.
---@param bufnr integer
---@return infill.Item?
function M.selected(bufnr)
  local chosen, is_over
  local function take(item)
    if item.client_id ~= clients[bufnr] then
      return item
    end
    chosen = { text = item.insert_text, command = item.command }
  end
  if vim.lsp.inline_completion.get({ bufnr = bufnr, on_accept = take }) then
    -- It is told on a later turn of the loop; keys that follow must find the text accepted.
    vim.schedule(function()
      is_over = true
    end)
    vim.wait(1000, function()
      return is_over
    end, 1)
  end
  return chosen
end

--- Show another item, of any server.
---@param bufnr integer
---@param by integer
function M.cycle(bufnr, _, by)
  vim.lsp.inline_completion.select({ bufnr = bufnr, count = by })
end

return M
