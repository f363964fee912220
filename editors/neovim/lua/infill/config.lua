--- The options, their defaults, and what is wrong with those given.

local M = {}

---@class infill.Keys key of each action, or false
---@field accept string|false
---@field accept_word string|false
---@field accept_line string|false
---@field next string|false
---@field previous string|false
---@field dismiss string|false
---@field trigger string|false

---@class infill.Options
---@field cmd? string[] the server, where it is not `infill serve` from the PATH
---@field filetypes? string[] only these; nil: every file
---@field root_markers string[] what marks a project's folder
---@field settings table the server's settings, as in its own file
---@field ghost_text 'auto'|'native'|'own'|'off' who draws: Neovim 0.12, this plugin, or nobody (the menu instead)
---@field debounce_ms integer how long to wait for the next key where this plugin asks; Neovim 0.12 waits 200
---@field keys infill.Keys|false
local defaults = {
  cmd = nil,
  filetypes = nil,
  root_markers = { '.infill.toml', '.git' },
  settings = {},
  ghost_text = 'auto',
  debounce_ms = 75,
  keys = {
    accept = '<Tab>',
    accept_word = '<M-Right>',
    accept_line = '<M-Down>',
    next = '<M-n>',
    previous = '<M-p>',
    dismiss = '<C-]>',
    trigger = '<M-Bslash>',
  },
}

local types = {
  cmd = { 'table', 'nil' },
  filetypes = { 'table', 'nil' },
  root_markers = { 'table' },
  settings = { 'table' },
  ghost_text = { 'string' },
  debounce_ms = { 'number' },
  keys = { 'table', 'boolean' },
}

---@type infill.Options
M.options = vim.deepcopy(defaults)

--- Take options; raises an error that names the first one that cannot be used.
---@param given table
function M.set(given)
  for name, value in pairs(given) do
    local allowed = types[name]
    if not allowed then
      error(('infill: there is no option %q; see :help infill-options'):format(name), 0)
    end
    if not vim.tbl_contains(allowed, type(value)) then
      error(('infill: the option %q must be a %s'):format(name, allowed[1]), 0)
    end
  end
  M.options = vim.tbl_deep_extend('force', vim.deepcopy(defaults), given)
  if not vim.tbl_contains({ 'auto', 'native', 'own', 'off' }, M.options.ghost_text) then
    error('infill: ghost_text must be "auto", "native", "own" or "off"', 0)
  end
  if M.options.ghost_text == 'native' and not vim.lsp.inline_completion then
    error('infill: ghost_text = "native" needs Neovim 0.12', 0)
  end
  if M.options.keys == true then
    M.options.keys = vim.deepcopy(defaults.keys)
  end
end

--- Who draws ghost text.
---@return 'native'|'own'|'off'
function M.ghost_text()
  if M.options.ghost_text ~= 'auto' then
    return M.options.ghost_text --[[@as 'native'|'own'|'off']]
  end
  return vim.lsp.inline_completion and 'native' or 'own'
end

--- The server's command line, and the program where it cannot be run.
---@return string[]? command
---@return string? missing
function M.command()
  local command = M.options.cmd or { 'infill', 'serve' }
  if vim.fn.executable(command[1]) == 1 then
    return command
  end
  return nil, command[1]
end

return M
