;;; infill-place.el --- Places in a buffer, and what was typed there  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; What was typed at a place since, the parts of a text that can be accepted, and
;; texts offered at a place without what was typed of them.

;;; Code:

(require 'cl-lib)
(require 'subr-x)

(cl-defstruct infill-place
  "A position, and enough around it to know later what was typed there."
  point
  (before nil :documentation "The line before it.")
  (after nil :documentation "The line behind it.")
  (size nil :documentation "The length of the buffer."))

(cl-defstruct infill-item
  "A text to insert."
  (text nil :documentation "What is still to be inserted.")
  (whole nil :documentation "The text as the server gave it; TEXT is its end.")
  (command nil :documentation "What the server wants to be told of it."))

(cl-defstruct infill-offer
  "Texts that are offered at a place."
  place
  items
  (index 0 :documentation "Which item is shown.")
  (is-complete nil :documentation "Whether alternatives were asked for."))

(defun infill-place-here ()
  "Return the place where point is."
  (make-infill-place :point (point)
                     :before (buffer-substring-no-properties (pos-bol) (point))
                     :after (buffer-substring-no-properties (point) (pos-eol))
                     :size (buffer-size)))

(defun infill-place-typed (place now)
  "Return what was typed at PLACE to get to NOW, which is where point is.
Nil if anything else has changed."
  (let ((start (infill-place-point place))
        (end (infill-place-point now)))
    (and (<= (point-min) start end)
         (= (- end start) (- (infill-place-size now) (infill-place-size place)))
         (equal (infill-place-after place) (infill-place-after now))
         (equal (infill-place-before place)
                (save-excursion
                  (goto-char start)
                  (buffer-substring-no-properties (pos-bol) start)))
         (buffer-substring-no-properties start end))))

(defun infill-place-same-p (place now)
  "Whether PLACE is NOW, where point is."
  (equal (infill-place-typed place now) ""))

(defun infill-place-part (text part)
  "Return the beginning of TEXT that is its PART: `word', `line' or `all'.
A word comes with the white space before it, a line with the line breaks."
  (if (or (and (eq part 'word)
               (or (string-match "\\`[ \t\n]*[[:alnum:]_]+" text)
                   (string-match "\\`[ \t\n]*[^[:alnum:]_ \t\n]+" text)))
          (and (eq part 'line) (string-match "\\`\n*[^\n]*" text)))
      (match-string 0 text)
    text))

(defun infill-offer-item (offer)
  "Return the item of OFFER that is shown."
  (nth (infill-offer-index offer) (infill-offer-items offer)))

(defun infill-offer-rest (offer now)
  "Return OFFER without what was typed of it to get to NOW.
Nil where none of its texts agrees with that."
  (when-let* ((typed (infill-place-typed (infill-offer-place offer) now))
              (items (cl-loop for item in (infill-offer-items offer)
                              collect (infill-item-rest item typed)))
              (kept (delq nil (copy-sequence items))))
    (make-infill-offer
     :place now :items kept :is-complete (infill-offer-is-complete offer)
     :index (or (cl-position (nth (infill-offer-index offer) items) kept :test #'eq) 0))))

(defun infill-item-rest (item typed)
  "Return ITEM without TYPED at its beginning; nil if it has not that, or no more."
  (let ((text (infill-item-text item)))
    (and (> (length text) (length typed))
         (string-prefix-p typed text)
         (make-infill-item :text (substring text (length typed))
                           :whole (infill-item-whole item) :command (infill-item-command item)))))

(defun infill-item-accepted (item)
  "Return the beginning of ITEM's whole text that is in the buffer by now."
  (substring (infill-item-whole item) 0 (- (length (infill-item-text item)))))

(provide 'infill-place)
;;; infill-place.el ends here
