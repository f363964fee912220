-- What is there before any server runs: the command, and ghost text for the server once it does.
if vim.fn.has('nvim-0.10') == 0 then
  vim.notify('infill needs Neovim 0.10 or later.', vim.log.levels.ERROR)
  return
end
require('infill').load()
