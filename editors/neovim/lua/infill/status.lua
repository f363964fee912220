--- What the server says it is doing (`$/infill/status`), for statuslines.

local M = {}

---@class infill.Status
---@field status 'stopped'|'loading'|'ready'|'generating'|'off'|'error'
---@field message string what is wrong, with `error`
---@field model string

---@type infill.Status?
M.current = nil

local ICONS = { stopped = '◌', loading = '◌', ready = '●', generating = '◍', off = '○', error = '✗' }

--- Take a new status; nil when there is no server any more.
---@param status? infill.Status
function M.set(status)
  M.current = status
  if status and status.status == 'off' then
    require('infill.ghost').clear()
  end
  vim.api.nvim_exec_autocmds('User', { pattern = 'InfillStatus', modeline = false })
  vim.cmd.redrawstatus({ bang = true })
end

--- The handler of the notification.
---@type lsp.Handler
function M.on_status(_, params)
  M.set(params)
end

--- A few characters: empty while there is no server.
---@return string
function M.text()
  if not M.current then
    return ''
  end
  return ('%s infill %s'):format(ICONS[M.current.status] or '?', M.current.status)
end

return M
