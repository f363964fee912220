--- What is said to the user: one line that needs no key to go away, and the whole of it in `:Infill messages`.

local M = {}

---@type string[]
M.said = {}

--- Say a sentence.
---@param text string
---@param level? integer of vim.log.levels
function M.say(text, level)
  text = vim.startswith(text, 'infill') and text or 'infill: ' .. text
  table.insert(M.said, os.date('%H:%M:%S ') .. text)
  local line = text:gsub('%s+', ' ')
  local room = vim.v.echospace
  if vim.fn.strdisplaywidth(line) > room then
    local more = '… (:Infill messages)'
    line = vim.fn.strcharpart(line, 0, math.max(room - vim.fn.strdisplaywidth(more), 0)) .. more
  end
  vim.notify(line, level or vim.log.levels.INFO)
end

local LEVELS = { vim.log.levels.ERROR, vim.log.levels.WARN }

--- `window/showMessage` of the server.
---@type lsp.Handler
function M.on_show_message(_, params)
  M.say(params.message, LEVELS[params.type])
end

return M
