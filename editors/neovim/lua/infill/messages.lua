--- What is said to the user: one line that needs no key to go away, and the whole of it in `:Infill messages`.

local M = {}

---@type string[]
M.said = {}

--- Whether nobody has put something better in the place of `vim.notify`.
local function is_plain()
  return debug.getinfo(vim.notify, 'S').source == debug.getinfo(vim.schedule_wrap, 'S').source
end

--- A line that fits: Neovim waits for a key behind a longer one.
---@param text string
local function shortened(text)
  local line, room = text:gsub('%s+', ' '), vim.v.echospace
  if vim.fn.strdisplaywidth(line) <= room then
    return line
  end
  local more = '… (:Infill messages)'
  return vim.fn.strcharpart(line, 0, math.max(room - vim.fn.strdisplaywidth(more), 0)) .. more
end

---@param text string
---@param level integer
local function show(text, level)
  if not is_plain() then
    vim.notify(text, level)
  elseif vim.api.nvim_get_mode().mode:sub(1, 1) == 'i' then
    -- `-- INSERT --` would be drawn over it at once.
    vim.api.nvim_create_autocmd('InsertLeave', {
      once = true,
      callback = vim.schedule_wrap(function()
        show(text, level)
      end),
    })
  else
    vim.cmd.redraw() -- what is still to be drawn would be drawn over it
    vim.notify(shortened(text), level)
  end
end

--- Say a sentence; in insert mode it is shown when that is left.
---@param text string
---@param level? integer of vim.log.levels
function M.say(text, level)
  text = vim.startswith(text, 'infill') and text or 'infill: ' .. text
  table.insert(M.said, os.date('%H:%M:%S ') .. text)
  show(text, level or vim.log.levels.INFO)
end

local LEVELS = { vim.log.levels.ERROR, vim.log.levels.WARN }

--- `window/showMessage` of the server.
---@type lsp.Handler
function M.on_show_message(_, params)
  M.say(params.message, LEVELS[params.type])
end

return M
