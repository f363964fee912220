-- For `vim.lsp.enable('infill')`, Neovim 0.11 and later.
return require('infill.client').config()
