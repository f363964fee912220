--- Ghost text: what is offered in each buffer, kept right for the text as it is, accepted whole or in part.
---
--- `native` or `own` draws. Whoever draws, a text is offered only for the place where the cursor is: what is typed in
--- agreement with it is taken off its front, and anything else takes it away.

local api = vim.api
local config = require('infill.config')
local place = require('infill.place')
local rpc = require('infill.rpc')

local M = {}

---@class infill.Item
---@field text string what to insert at the cursor
---@field command? lsp.Command what the server wants to be told when it is accepted

---@class infill.Offer
---@field place infill.Place where the items begin
---@field items infill.Item[]
---@field index integer of the one that is shown
---@field has_alternatives boolean whether they were asked for

---@class infill.State of one buffer
---@field client vim.lsp.Client
---@field drawer table `native` or `own`
---@field offer? infill.Offer
---@field pending? {id: integer?} the request that is open
---@field dismissed? infill.Place where nothing is to be offered

---@type table<integer, infill.State>
local states = {}
local group = api.nvim_create_augroup('infill.ghost', {})

local function is_inserting()
  return api.nvim_get_mode().mode:sub(1, 1) == 'i'
end

---@param a infill.Place
---@param b infill.Place
local function is_same(a, b)
  return place.typed(a, b) == ''
end

---@param bufnr integer
---@param offer? infill.Offer
---@param hint? boolean
local function set(bufnr, offer, hint)
  local state = states[bufnr]
  local had_one = state.offer
  state.offer = offer
  if offer then
    state.drawer.show(bufnr, offer, hint)
  elseif had_one then
    state.drawer.hide(bufnr)
  end
end

--- The offer without what was typed of it, or nil where none of its texts agrees.
---@param offer infill.Offer
---@param now infill.Place
---@return infill.Offer?
local function rest(offer, now)
  local typed = place.typed(offer.place, now)
  if not typed then
    return nil
  end
  local items, index = {}, 1
  for i, item in ipairs(offer.items) do
    if #item.text > #typed and vim.startswith(item.text, typed) then
      table.insert(items, { text = item.text:sub(#typed + 1), command = item.command })
      index = i == offer.index and #items or index
    end
  end
  if not next(items) then
    return nil
  end
  return { place = now, items = items, index = index, has_alternatives = offer.has_alternatives }
end

--- Make what is offered right for the text as it is now.
---@param bufnr integer
---@return boolean whether something is still offered
local function keep_up(bufnr)
  local state = states[bufnr]
  if not (state and state.offer) then
    return false
  end
  local now = place.here()
  if not is_same(state.offer.place, now) then
    set(bufnr, rest(state.offer, now))
  end
  return state.offer ~= nil
end

---@param state infill.State
local function cancel(state)
  if state.pending and state.pending.id then
    rpc.cancel(state.client, state.pending.id)
  end
  state.pending = nil
end

---@param bufnr integer
---@param asked infill.Place
---@param by_hand boolean
---@param by? integer which of the alternatives to show, from the first
---@param result? lsp.InlineCompletionList|lsp.InlineCompletionItem[] nil says nothing against what is offered
local function answered(bufnr, asked, by_hand, by, result)
  local state = states[bufnr]
  if not result or api.nvim_get_current_buf() ~= bufnr or not is_inserting() then
    return
  end
  local items = {}
  for _, item in ipairs(result.items or result) do
    -- Lines end in "\n" in a buffer, however they end in its file.
    table.insert(items, { text = item.insertText:gsub('\r', ''), command = item.command })
  end
  local now = place.here()
  local offer = rest({ place = asked, items = items, index = 1, has_alternatives = by_hand }, now)
  if not offer and not is_same(asked, now) then
    return -- it came too late; what is offered was kept up meanwhile
  end
  set(bufnr, offer)
  if offer and by and #offer.items > 1 then
    state.drawer.cycle(bufnr, offer, by)
  end
end

--- Ask the server about the cursor's place. A request that is still open is cancelled.
---@param bufnr integer
---@param by_hand boolean
---@param by? integer which of the alternatives to show, from the first
---@return boolean is_sent
---@return integer? id of the request
local function ask(bufnr, by_hand, by)
  local state = states[bufnr]
  if not state or api.nvim_get_current_buf() ~= bufnr or not is_inserting() then
    return false
  end
  local asked = place.here()
  if not by_hand and state.dismissed and is_same(state.dismissed, asked) then
    return false
  end
  state.dismissed = nil
  cancel(state)
  local pending = {}
  state.pending = pending
  local params = vim.lsp.util.make_position_params(0, state.client.offset_encoding)
  params.context = { triggerKind = by_hand and rpc.BY_HAND or rpc.BY_TYPING }
  local is_sent
  is_sent, pending.id = rpc.request(state.client, rpc.INLINE, params, function(error, result)
    if states[bufnr] == state and state.pending == pending then
      state.pending = nil
      if not error then
        answered(bufnr, asked, by_hand, by, result)
      end
    end
  end, bufnr)
  return is_sent, pending.id
end

---@param bufnr integer
local function leave(bufnr)
  local state = states[bufnr]
  if state then
    cancel(state)
    set(bufnr, nil)
    state.dismissed = nil
  end
end

--- Tell the server what became of a text, if it wants to know.
---@param state infill.State
---@param event 'acceptedCompletion'|'partiallyAccepted'|'rejected'
---@param text string
local function report(state, event, text)
  local commands = vim.tbl_get(state.client.server_capabilities, 'executeCommandProvider', 'commands') or {}
  if vim.tbl_contains(commands, 'infill.' .. event) then
    local document = vim.lsp.util.make_text_document_params()
    require('infill.client').execute(state.client, 'infill.' .. event, { uri = document.uri, text = text })
  end
end

--- Begin in a buffer that a server was attached to.
---@param client vim.lsp.Client
---@param bufnr integer
function M.attach(client, bufnr)
  local who = config.ghost_text()
  if who == 'off' or not client.server_capabilities.inlineCompletionProvider then
    return
  end
  local drawer = require('infill.' .. who)
  states[bufnr] = { client = client, drawer = drawer }
  api.nvim_clear_autocmds({ group = group, buffer = bufnr })
  api.nvim_create_autocmd({ 'TextChangedI', 'TextChangedP', 'CursorMovedI' }, {
    group = group,
    buffer = bufnr,
    callback = function()
      keep_up(bufnr)
    end,
  })
  api.nvim_create_autocmd('InsertLeave', {
    group = group,
    buffer = bufnr,
    callback = function()
      leave(bufnr)
    end,
  })
  drawer.attach(client, bufnr, function(by_hand)
    return ask(bufnr, by_hand or false)
  end)
end

--- End in a buffer that its server has left.
---@param bufnr integer
function M.detach(bufnr)
  local state = states[bufnr]
  if state then
    state.drawer.detach(bufnr)
    states[bufnr] = nil
    api.nvim_clear_autocmds({ group = group, buffer = bufnr })
  end
end

--- Take away what is offered anywhere: completion was switched off.
function M.clear()
  for bufnr in pairs(states) do
    leave(bufnr)
  end
end

---@return boolean
function M.is_visible()
  return is_inserting() and keep_up(api.nvim_get_current_buf())
end

--- Insert the shown text or a part of it; what is left of it stays.
---@param part 'all'|'line'|'word'
function M.take(part)
  local bufnr = api.nvim_get_current_buf()
  if not keep_up(bufnr) then
    return
  end
  local state = states[bufnr]
  local offer = assert(state.offer)
  local item = state.drawer.selected(bufnr, offer)
  if not item then
    return
  end
  local text = place.part(item.text, part)
  cancel(state)
  set(bufnr, nil)
  place.insert(offer.place, text)
  if text ~= item.text then
    local left = { text = item.text:sub(#text + 1), command = item.command }
    set(bufnr, { place = place.here(), items = { left }, index = 1, has_alternatives = false })
    report(state, 'partiallyAccepted', text)
  elseif item.command then
    local command = item.command
    require('infill.client').execute(state.client, command.command, unpack(command.arguments or {}))
  else
    report(state, 'acceptedCompletion', text)
  end
end

--- Show another text. Typing asks for one only, so the first time the others are asked for.
---@param by integer
function M.cycle(by)
  local bufnr = api.nvim_get_current_buf()
  local state = states[bufnr]
  if state.offer.has_alternatives then
    state.drawer.cycle(bufnr, state.offer, by)
  else
    ask(bufnr, true, by)
  end
end

--- Show nothing here, until the text or the cursor changes.
function M.dismiss()
  local bufnr = api.nvim_get_current_buf()
  local state = states[bufnr]
  local offer = assert(state.offer)
  leave(bufnr)
  state.dismissed = place.here()
  report(state, 'rejected', offer.items[offer.index].text)
end

--- Ask by hand.
function M.trigger()
  local bufnr = api.nvim_get_current_buf()
  local state = states[bufnr]
  if not state then
    require('infill.messages').say('There is no ghost text in this file; :checkhealth infill says why.')
  elseif state.drawer.is_ready(bufnr) then
    ask(bufnr, true)
  end
end

--- Follow the servers that come and go.
function M.define()
  api.nvim_set_hl(0, 'InfillGhost', { link = vim.lsp.inline_completion and 'ComplHint' or 'NonText', default = true })
  api.nvim_set_hl(0, 'InfillHint', { link = 'InfillGhost', default = true })
  api.nvim_create_autocmd('LspAttach', {
    group = group,
    callback = function(event)
      local client = vim.lsp.get_client_by_id(event.data.client_id)
      if client and client.name == 'infill' then
        M.attach(client, event.buf)
      end
    end,
  })
  api.nvim_create_autocmd('LspDetach', {
    group = group,
    callback = function(event)
      local state = states[event.buf]
      if state and state.client.id == event.data.client_id then
        M.detach(event.buf)
      end
    end,
  })
end

return M
