--- `:checkhealth infill`.

local config = require('infill.config')

local M = {}

local DRAWN_BY = { native = 'drawn by Neovim', own = 'drawn by this plugin', off = 'off: the menu is used instead' }

local function check_neovim()
  local health = vim.health
  if vim.fn.has('nvim-0.10') == 0 then
    health.error('Neovim 0.10 or later is needed')
    return
  end
  health.ok(('Neovim %s; ghost text is %s'):format(tostring(vim.version()), DRAWN_BY[config.ghost_text()]))
end

local function check_server()
  local health = vim.health
  local command, missing = config.command()
  if not command then
    health.error(('`%s` cannot be run'):format(missing), {
      "Install infill as its README says, so that `infill` is on the PATH of the shell that starts Neovim,",
      "or name it: require('infill').setup({ cmd = { '/path/to/.venv/bin/infill', 'serve' } })",
      'or let `infill setup neovim --write` do that.',
    })
    return
  end
  local version = vim.system({ command[1], '--version' }, { text = true }):wait(30000)
  if version.code == 0 then
    health.ok(('%s is %s'):format(vim.fn.exepath(command[1]), vim.trim(version.stdout)))
  else
    health.error(('`%s --version` failed: %s'):format(command[1], vim.trim(version.stderr)))
  end
end

local function check_client()
  local health = vim.health
  local client = require('infill.client').get()
  if not client then
    health.warn('No server runs', {
      "It starts with the first file that has a filetype, once vim.lsp.enable('infill') or",
      "require('infill').setup() is in your configuration.",
    })
    return
  end
  health.ok(('A server runs, for %d files'):format(vim.tbl_count(client.attached_buffers)))
  local status = require('infill.status').current
  if status and status.status == 'error' then
    health.error(status.message)
  elseif status then
    health.info(('Status: %s; model: %s'):format(status.status, status.model ~= '' and status.model or 'none yet'))
  end
end

local function check_keys()
  local health = vim.health
  if config.ghost_text() == 'off' then
    return
  end
  for action, key in vim.spairs(config.options.keys or {}) do
    if key then
      local mapping = vim.fn.maparg(key, 'i', false, true)
      if vim.startswith(mapping.desc or '', 'infill: ') then
        health.ok(('%s: %s'):format(key, action))
      else
        health.warn(('%s (%s) is mapped by something else since'):format(key, action), {
          ("Call require('infill').%s() in that mapping, as :help infill-others shows."):format(action),
        })
      end
    end
  end
end

--- For `infill setup`: wait until the server is reached, say so, and leave Neovim; with status 1 if it never is.
function M.reach()
  local function client()
    return vim.lsp.get_clients({ name = 'infill', bufnr = 0 })[1]
  end
  local is_reached = vim.wait(60000, function()
    return client() ~= nil and client().initialized == true
  end, 50)
  if not is_reached then
    io.stdout:write(table.concat(require('infill.messages').said, '; '))
    vim.cmd.cquit()
  end
  io.stdout:write(('Neovim %s reaches infill; ghost text is %s.\n'):format(tostring(vim.version()), DRAWN_BY[config.ghost_text()]))
  vim.cmd.quitall({ bang = true })
end

--- Report.
function M.check()
  vim.health.start('infill')
  check_neovim()
  check_server()
  check_client()
  vim.health.start('infill: keys in insert mode')
  check_keys()
end

return M
