--- What users call: set-up, the actions that keys are mapped to, and a piece for the statusline.

local config = require('infill.config')

local M = {}

local is_loaded = false

--- Define the command, the autocommands and the keys. `plugin/infill.lua` calls it; calling it again changes nothing.
function M.load()
  if is_loaded then
    return
  end
  is_loaded = true
  require('infill.commands').define()
  require('infill.ghost').define()
  require('infill.keys').define()
end

--- Set options (`:help infill-options`) and start the server for each file from now on.
---@param options? table
function M.setup(options)
  config.set(options or {})
  M.load()
  require('infill.keys').define()
  require('infill.client').enable()
end

--- Whether ghost text is shown in the current buffer, and still fits.
---@return boolean
function M.is_visible()
  return require('infill.ghost').is_visible()
end

-- The actions below run behind the key that is being handled: an `<expr>` mapping must not change text itself.
-- `<C-g>u` makes what is accepted one step of undo.
local function later(keys)
  vim.api.nvim_feedkeys(vim.keycode(keys), 'ni', false)
end

---@param part 'all'|'line'|'word'
---@return boolean whether there was ghost text to accept
local function accept(part)
  if not M.is_visible() then
    return false
  end
  later(('<C-g>u<Cmd>lua require("infill.ghost").take("%s")<CR>'):format(part))
  return true
end

--- Accept all of the ghost text. False where there is none, so that a mapping can do something else.
function M.accept()
  return accept('all')
end

--- Accept its next word.
function M.accept_word()
  return accept('word')
end

--- Accept its next line.
function M.accept_line()
  return accept('line')
end

---@param by integer
local function cycle(by)
  if not M.is_visible() then
    return false
  end
  require('infill.ghost').cycle(by)
  return true
end

--- Show the next alternative; the first time, ask for them.
function M.next()
  return cycle(1)
end

--- Show the alternative before.
function M.previous()
  return cycle(-1)
end

--- Hide the ghost text until the text or the cursor changes.
function M.dismiss()
  if not M.is_visible() then
    return false
  end
  require('infill.ghost').dismiss()
  return true
end

--- Ask for ghost text, with alternatives, and wait for it however long it takes.
function M.trigger()
  require('infill.ghost').trigger()
  return true
end

--- A short text for the statusline: what the server is doing, and with which model.
---@return string
function M.statusline()
  return require('infill.status').text()
end

return M
