--- The keys. Where there is no ghost text, a key does what it did before.

local config = require('infill.config')

local M = {}

local ACTIONS = {
  accept = 'accept all of the ghost text',
  accept_word = "accept the ghost text's next word",
  accept_line = "accept the ghost text's next line",
  next = 'next ghost text',
  previous = 'previous ghost text',
  dismiss = 'dismiss the ghost text',
  trigger = 'ask for ghost text',
}

---@type table<string, table> what `maparg` said of each key before it was ours
local before = {}

--- What a key did before, as the value of an `<expr>` mapping that does not replace keycodes.
---@param key string
---@return string
local function as_before(key)
  local mapping = before[key]
  if not mapping or vim.tbl_isempty(mapping) then
    return vim.keycode(key)
  end
  if mapping.expr == 0 then
    if mapping.callback then
      return vim.keycode(('<Cmd>lua require("infill.keys").run_before(%q)<CR>'):format(key:gsub('<', '<lt>')))
    end
    return vim.keycode(mapping.rhs)
  end
  local result = mapping.callback and mapping.callback() or (mapping.rhs and vim.api.nvim_eval(mapping.rhs))
  return mapping.replace_keycodes == 1 and vim.keycode(result or '') or result or ''
end

--- Run the function that a key was mapped to before.
---@param key string
function M.run_before(key)
  before[key].callback()
end

--- Map the keys that are wanted and undo what an earlier call mapped.
function M.define()
  for key, mapping in pairs(before) do
    vim.keymap.del('i', key)
    if not vim.tbl_isempty(mapping) then
      vim.fn.mapset('i', false, mapping)
    end
  end
  before = {}
  for action, key in pairs(config.options.keys or {}) do
    if key and key ~= '' and config.ghost_text() ~= 'off' then
      before[key] = vim.fn.maparg(key, 'i', false, true)
      vim.keymap.set('i', key, function()
        return require('infill')[action]() and '' or as_before(key)
      end, { expr = true, replace_keycodes = false, desc = 'infill: ' .. ACTIONS[action] })
    end
  end
end

return M
