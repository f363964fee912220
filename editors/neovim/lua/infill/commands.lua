--- `:Infill`, with completion.

local messages = require('infill.messages')

local M = {}

--- Show a text in a window of its own; `q` closes it.
---@param name string
---@param text string
local function show(name, text)
  vim.cmd('botright new')
  local bufnr = vim.api.nvim_get_current_buf()
  vim.bo[bufnr].buftype, vim.bo[bufnr].bufhidden, vim.bo[bufnr].swapfile = 'nofile', 'wipe', false
  vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, vim.split(vim.trim(text), '\n', { plain = true }))
  vim.bo[bufnr].modifiable = false
  pcall(vim.api.nvim_buf_set_name, bufnr, 'infill://' .. name)
  vim.keymap.set('n', 'q', '<Cmd>close<CR>', { buffer = bufnr, nowait = true })
end

--- Ask the running server; say so if there is none.
---@param command string
---@param argument any
---@param on_result fun(result: any)
local function ask(command, argument, on_result)
  local client = require('infill.client').get()
  if client then
    require('infill.client').execute(client, command, argument, on_result)
  else
    messages.say('no server runs; :checkhealth infill says why.', vim.log.levels.WARN)
  end
end

--- Run a command of `infill` itself and show what it prints.
---@param ... string
local function run(...)
  local command = require('infill.config').command()
  if not command then
    messages.say('infill is not installed; :checkhealth infill says what to do.', vim.log.levels.WARN)
    return
  end
  local arguments = { ... }
  vim.system({ command[1], unpack(arguments) }, { text = true }, function(done)
    vim.schedule(function()
      show(table.concat(arguments, ' '), done.stdout .. done.stderr)
    end)
  end)
end

---@param scope 'all'|'language'|'folder'
local function toggle(scope)
  local value = ''
  if scope == 'language' then
    local client = require('infill.client').get()
    local filetype = vim.bo.filetype
    value = client and client.get_language_id and client.get_language_id(0, filetype) or filetype
  elseif scope == 'folder' then
    local folder = vim.fs.root(0, require('infill.config').options.root_markers) or vim.fn.expand('%:p:h')
    value = vim.uri_from_fname(folder)
  end
  ask('infill.toggle', { scope = scope, value = value }, function(result)
    local what = scope == 'all' and 'completion' or ('completion in %s'):format(value)
    if not result.on then
      require('infill.ghost').clear()
    end
    messages.say(('%s is %s.'):format(what, result.on and 'on' or 'off'))
  end)
end

---@class infill.Command
---@field help string
---@field run fun(argument?: string)
---@field arguments? string[] what to offer

---@type table<string, infill.Command>
M.commands = {
  status = {
    help = 'what the server does, and with which model',
    run = function()
      local status = require('infill.status').current
      if status then
        local model = status.model ~= '' and ' with ' .. status.model or ''
        messages.say(status.status .. model .. (status.message ~= '' and ': ' .. status.message or ''))
      else
        messages.say('no server runs; :checkhealth infill says why.', vim.log.levels.WARN)
      end
    end,
  },
  toggle = {
    help = 'completion off or on: everywhere, for this language, in this folder',
    arguments = { 'all', 'language', 'folder' },
    run = function(argument)
      toggle(argument or 'all')
    end,
  },
  snooze = {
    help = 'completion off for so many minutes (30)',
    arguments = { '5', '30', '60' },
    run = function(argument)
      local minutes = tonumber(argument or 30)
      if not minutes or minutes <= 0 then
        messages.say('`:Infill snooze` takes minutes, such as 30.', vim.log.levels.ERROR)
        return
      end
      ask('infill.toggle', { on = false, minutes = minutes }, function()
        require('infill.ghost').clear()
        messages.say(('off for %g minutes; `:Infill toggle` ends that.'):format(minutes))
      end)
    end,
  },
  explain = {
    help = 'how the last completion came about; `text`: with source text',
    arguments = { 'text' },
    run = function(argument)
      ask('infill.explainLast', argument == 'text', function(result)
        show('explain', result)
      end)
    end,
  },
  dump = {
    help = "the server's state, for a bug report",
    run = function()
      ask('infill.dumpState', nil, function(result)
        show('dump', result)
      end)
    end,
  },
  doctor = {
    help = 'what is installed, and whether the model can infill',
    run = function()
      run('doctor')
    end,
  },
  models = {
    help = 'the models that infill knows',
    run = function()
      run('models', 'list')
    end,
  },
  trigger = {
    help = 'ask for ghost text here, in insert mode',
    run = function()
      require('infill').trigger()
    end,
  },
  restart = {
    help = 'end the server and start it anew',
    run = function()
      require('infill.client').restart()
    end,
  },
  messages = {
    help = 'all that was said',
    run = function()
      show('messages', table.concat(messages.said, '\n'))
    end,
  },
  log = {
    help = "Neovim's log of language servers, where ours writes too",
    run = function()
      vim.cmd.tabedit(vim.lsp.log and vim.lsp.log.get_filename and vim.lsp.log.get_filename() or vim.lsp.get_log_path())
    end,
  },
}

---@param lead string
---@param line string
---@return string[]
local function complete(lead, line)
  local words = vim.split(line, '%s+', { trimempty = true })
  local name = words[2]
  local is_first = #words == 1 or (#words == 2 and lead ~= '')
  local offered = is_first and vim.tbl_keys(M.commands) or (M.commands[name] or {}).arguments or {}
  offered = vim.tbl_filter(function(each)
    return vim.startswith(each, lead)
  end, offered)
  table.sort(offered)
  return offered
end

--- Define the command.
function M.define()
  vim.api.nvim_create_user_command('Infill', function(call)
    local command = M.commands[call.fargs[1] or 'status']
    if command then
      command.run(call.fargs[2])
    else
      messages.say(('there is no `:Infill %s`; press <Tab> behind `:Infill `.'):format(call.fargs[1]), vim.log.levels.ERROR)
    end
  end, { nargs = '*', complete = complete, desc = 'infill: see :help infill-commands' })
end

return M
