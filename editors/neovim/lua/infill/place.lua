--- Places in a buffer, what was typed behind one since, and the parts of a text that can be accepted.

local api = vim.api

local M = {}

---@class infill.Place the cursor, and enough around it to know later what was typed
---@field bufnr integer
---@field row integer from 0
---@field col integer from 0, in bytes
---@field before string the line before the cursor
---@field after string the line behind it
---@field num_lines integer of the buffer

--- The cursor's place in the current window.
---@return infill.Place
function M.here()
  local cursor = api.nvim_win_get_cursor(0)
  local line = api.nvim_get_current_line()
  return {
    bufnr = api.nvim_get_current_buf(),
    row = cursor[1] - 1,
    col = cursor[2],
    before = line:sub(1, cursor[2]),
    after = line:sub(cursor[2] + 1),
    num_lines = api.nvim_buf_line_count(0),
  }
end

--- What was typed at a place to get to another, or nil if anything else has changed.
---@param place infill.Place
---@param now infill.Place
---@return string?
function M.typed(place, now)
  local num_new = now.num_lines - place.num_lines
  if now.bufnr ~= place.bufnr or num_new < 0 or now.row ~= place.row + num_new or now.after ~= place.after then
    return nil
  end
  if num_new == 0 then
    return vim.startswith(now.before, place.before) and now.before:sub(#place.before + 1) or nil
  end
  local first = api.nvim_buf_get_lines(now.bufnr, place.row, place.row + 1, true)[1]
  if not vim.startswith(first, place.before) then
    return nil
  end
  return table.concat(api.nvim_buf_get_text(now.bufnr, place.row, place.col, now.row, now.col, {}), '\n')
end

--- Insert a text at a place, and put the cursor behind it.
---@param place infill.Place
---@param text string
function M.insert(place, text)
  local lines = vim.split(text, '\n', { plain = true })
  api.nvim_buf_set_text(place.bufnr, place.row, place.col, place.row, place.col, lines)
  local col = #lines[#lines] + (#lines == 1 and place.col or 0)
  api.nvim_win_set_cursor(0, { place.row + #lines, col })
end

--- The part of a text to accept: its next word with the white space before it, its next line, or all of it.
---@param text string
---@param part 'all'|'line'|'word'
---@return string
function M.part(text, part)
  if part == 'word' then
    -- Bytes from 128 on are parts of characters that are no ASCII.
    return text:match('^%s*[%w_\128-\255]+') or text:match('^%s*[^%w_%s\128-\255]+') or text
  elseif part == 'line' then
    return text:match('^\n*[^\n]*')
  end
  return text
end

return M
