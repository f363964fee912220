--- Ghost text drawn by this plugin, for Neovim 0.10 and 0.11, and for who prefers it.

local api = vim.api
local config = require('infill.config')

local M = {}

local namespace = api.nvim_create_namespace('infill')
local group = api.nvim_create_augroup('infill.own', {})

--- Ask for ghost text whenever the cursor moves in insert mode.
---@param bufnr integer
---@param ask fun() ask the server, now
function M.attach(_, bufnr, ask)
  local timer = assert(vim.uv.new_timer())
  local schedule_ask = vim.schedule_wrap(function()
    ask()
  end)
  local function ask_soon()
    timer:start(config.options.debounce_ms, 0, schedule_ask)
  end
  api.nvim_clear_autocmds({ group = group, buffer = bufnr })
  api.nvim_create_autocmd({ 'InsertEnter', 'TextChangedI', 'TextChangedP', 'CursorMovedI' }, {
    group = group,
    buffer = bufnr,
    callback = ask_soon,
  })
  api.nvim_create_autocmd('InsertLeave', {
    group = group,
    buffer = bufnr,
    callback = function()
      timer:stop()
    end,
  })
end

--- It can always draw.
---@return boolean
function M.is_ready()
  return true
end

--- Nothing to ask any more.
---@param bufnr integer
function M.detach(bufnr)
  if api.nvim_buf_is_valid(bufnr) then
    api.nvim_clear_autocmds({ group = group, buffer = bufnr })
    M.hide(bufnr)
  end
end

--- Draw the selected item.
---@param bufnr integer
---@param offer infill.Offer
---@param hint? boolean say which of how many it is
function M.show(bufnr, offer, hint)
  local lines = {}
  for line in vim.gsplit(offer.items[offer.index].text, '\n', { plain = true }) do
    -- A tab in virtual text is drawn as `^I`.
    local text = line:gsub('\t', (' '):rep(vim.fn.shiftwidth()))
    table.insert(lines, { { text, 'InfillGhost' } })
  end
  if hint then
    table.insert(lines[#lines], { (' (%d/%d)'):format(offer.index, #offer.items), 'InfillHint' })
  end
  M.hide(bufnr)
  api.nvim_buf_set_extmark(bufnr, namespace, offer.place.row, offer.place.col, {
    virt_text = lines[1],
    virt_text_pos = 'inline',
    virt_lines = vim.list_slice(lines, 2),
    hl_mode = 'combine',
  })
end

--- Draw nothing.
---@param bufnr integer
function M.hide(bufnr)
  api.nvim_buf_clear_namespace(bufnr, namespace, 0, -1)
end

--- The item that is shown.
---@param offer infill.Offer
---@return infill.Item?
function M.selected(_, offer)
  return offer.items[offer.index]
end

--- Show another item.
---@param bufnr integer
---@param offer infill.Offer
---@param by integer
function M.cycle(bufnr, offer, by)
  offer.index = (offer.index - 1 + by) % #offer.items + 1
  M.show(bufnr, offer, true)
end

return M
