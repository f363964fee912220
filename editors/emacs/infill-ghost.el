;;; infill-ghost.el --- Ghost text from infill  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; What is offered in each buffer, kept right for the text as it is, drawn, and
;; accepted whole or in part.  A text is offered only for the place where point
;; is: what is typed in agreement with it is taken off its front, and anything
;; else takes it away.

;;; Code:

(require 'infill-place)
(require 'infill-server)

(defvar company-candidates)
(defvar evil-local-mode)
(defvar evil-state)

(defface infill-ghost '((t :inherit shadow))
  "Ghost text."
  :group 'infill)

(defface infill-hint '((t :inherit infill-ghost :slant italic))
  "Which of how many alternatives is shown."
  :group 'infill)

(defcustom infill-debounce 0.075
  "How long to wait for the next key before asking for ghost text, in seconds."
  :group 'infill
  :type 'number)

(defcustom infill-inhibit-functions '(infill-ghost-outside-evil-insert-p)
  "Functions without arguments; where one returns non-nil, there is no ghost text."
  :group 'infill
  :type 'hook)

(defvar infill-ghost-map
  (let ((map (make-sparse-keymap)))
    (define-key map (kbd "TAB") #'infill-accept)
    (define-key map (kbd "<tab>") #'infill-accept)
    (define-key map (kbd "M-<right>") #'infill-accept-word)
    (define-key map (kbd "M-<down>") #'infill-accept-line)
    (define-key map (kbd "M-n") #'infill-next)
    (define-key map (kbd "M-p") #'infill-previous)
    (define-key map (kbd "C-g") #'infill-dismiss)
    map)
  "Keys while ghost text is shown.  Without it, they do what they did before.")

(defvar-local infill-ghost--offer nil "The `infill-offer' that is shown.")
(defvar-local infill-ghost--overlays nil "What draws it.")
(defvar-local infill-ghost--pending nil "The request that is open: a list with its id.")
(defvar-local infill-ghost--dismissed nil "The `infill-place' where nothing is to be offered.")
(defvar-local infill-ghost--timer nil "The timer that will ask.")
(defvar-local infill-ghost--tick nil "What `buffer-chars-modified-tick' was after the last command.")

;; Before the keys of all minor modes; the popup, which has its keys there as well, and ghost text are never there at once.
(add-to-list 'emulation-mode-map-alists `((infill-ghost--offer . ,infill-ghost-map)))

;;; Where there is none

(defun infill-ghost-outside-evil-insert-p ()
  "Whether evil is in a state in which nobody types."
  (and (bound-and-true-p evil-local-mode)
       (not (memq evil-state '(insert replace emacs)))))

(defun infill-ghost--inhibited-p ()
  "Whether keys are somebody else's, or nobody can type here."
  (or buffer-read-only
      (not (eq (current-buffer) (window-buffer (selected-window))))
      (region-active-p)
      completion-in-region-mode
      (bound-and-true-p company-candidates)
      isearch-mode
      executing-kbd-macro
      overriding-local-map
      overriding-terminal-local-map
      (run-hook-with-args-until-success 'infill-inhibit-functions)))

;;; Drawing

(defun infill-ghost--set (offer &optional hint)
  "Offer OFFER, or nothing if it is nil.  HINT: say which of how many it is."
  (mapc #'delete-overlay infill-ghost--overlays)
  (setq infill-ghost--overlays nil
        infill-ghost--offer offer)
  (when offer
    (let* ((text (infill-item-text (infill-offer-item offer)))
           (first (substring text 0 (string-search "\n" text)))
           (more (substring text (length first)))
           (shown-hint (if hint (infill-ghost--hint offer) "")))
      (if (string-empty-p more)
          (infill-ghost--draw-here (concat (infill-ghost--text first) shown-hint))
        (infill-ghost--draw-here (infill-ghost--text first))
        (infill-ghost--draw-below (concat (infill-ghost--text more) shown-hint))))))

(defun infill-ghost--hint (offer)
  "Return which of how many items of OFFER is shown."
  (propertize (format " (%d/%d)" (1+ (infill-offer-index offer)) (length (infill-offer-items offer)))
              'face 'infill-hint))

(defun infill-ghost--text (text)
  "Return TEXT as it is drawn."
  (propertize text 'face 'infill-ghost))

(defun infill-ghost--draw-here (string)
  "Draw STRING at point, with the cursor before it."
  (unless (string-empty-p string)
    (put-text-property 0 1 'cursor 1 string)
    (infill-ghost--draw (point) (point) string)))

(defun infill-ghost--draw-below (string)
  "Draw STRING, which begins with a line break, behind the line that point is in."
  (let ((end (pos-eol)))
    (cond ((< end (point-max)) ; behind the buffer's own line break, since Emacs draws the cursor behind one of ours
           (infill-ghost--draw end (1+ end) (concat (substring string 1) "\n")))
          ((or infill-ghost--overlays (< (point) end))
           (infill-ghost--draw end end string))
          (t
           (infill-ghost--draw-here (concat " " string))))))

(defun infill-ghost--draw (start end string)
  "Draw STRING behind what is from START to END."
  (let ((overlay (make-overlay start end)))
    (overlay-put overlay 'after-string string)
    (overlay-put overlay 'window (selected-window))
    (push overlay infill-ghost--overlays)))

;;; Asking

(defun infill-ghost--cancel ()
  "Want no answer any more, and do not ask."
  (when infill-ghost--timer
    (cancel-timer infill-ghost--timer)
    (setq infill-ghost--timer nil))
  (when infill-ghost--pending
    (when-let* ((server (infill-server-here)))
      (infill-server-cancel server (car infill-ghost--pending)))
    (setq infill-ghost--pending nil)))

(defun infill-ghost--leave ()
  "Offer nothing here."
  (infill-ghost--cancel)
  (setq infill-ghost--dismissed nil)
  (infill-ghost--set nil))

(defun infill-ghost--ask-soon ()
  "Ask for ghost text once no more keys come."
  (when infill-ghost--timer
    (cancel-timer infill-ghost--timer))
  (setq infill-ghost--timer
        (run-with-idle-timer infill-debounce nil
                             (lambda (buffer)
                               (when (buffer-live-p buffer)
                                 (with-current-buffer buffer
                                   (setq infill-ghost--timer nil)
                                   (infill-ghost--ask nil))))
                             (current-buffer))))

(defun infill-ghost--ask (by-hand &optional step)
  "Ask the server what to offer at point.  A request that is open is cancelled.
BY-HAND: with alternatives, of which STEP is to be shown, from the first."
  (let ((server (infill-server-here))
        (buffer (current-buffer))
        (asked (infill-place-here))
        (request (list nil)))
    (when (and server
               (infill-server-draws-p server)
               (not (infill-ghost--inhibited-p))
               (or by-hand (not (infill-ghost--dismissed-p asked))))
      (setq infill-ghost--dismissed nil)
      (infill-ghost--cancel)
      (eglot--signal-textDocument/didChange)
      (setq infill-ghost--pending request)
      (setcar request
              (infill-server-request
               server :textDocument/inlineCompletion
               (append (eglot--TextDocumentPositionParams)
                       `(:context (:triggerKind ,(if by-hand 1 2))))
               (lambda (result)
                 (when (buffer-live-p buffer)
                   (with-current-buffer buffer
                     (when (eq infill-ghost--pending request)
                       (setq infill-ghost--pending nil)
                       (force-mode-line-update) ; where eglot counts what is open
                       (infill-ghost--answered result asked by-hand step))))))))))

(defun infill-ghost--dismissed-p (place)
  "Whether nothing is to be offered at PLACE, where point is."
  (and infill-ghost--dismissed (infill-place-same-p infill-ghost--dismissed place)))

(defun infill-ghost--answered (result asked by-hand step)
  "Offer what is in RESULT, if it still fits the place ASKED.
BY-HAND and STEP are as for `infill-ghost--ask'.  No result says nothing against
what is offered."
  (when (and result (not (infill-ghost--inhibited-p)))
    (let* ((now (infill-place-here))
           (items (mapcar #'infill-ghost--item (if (vectorp result) result (plist-get result :items))))
           (offer (infill-offer-rest (make-infill-offer :place asked :items items :is-complete by-hand) now)))
      (when (or offer (infill-place-same-p asked now))
        (infill-ghost--set offer)
        (when (and offer step (cdr (infill-offer-items offer)))
          (infill-ghost--step step))))))

(defun infill-ghost--item (item)
  "Return ITEM of the server's as an `infill-item'."
  (let ((text (plist-get item :insertText)))
    (make-infill-item :text text :whole text :command (plist-get item :command))))

;;; Following the buffer

(defun infill-ghost--keep-up ()
  "Make what is offered right for the text as it is, and ask anew if that changed."
  (let* ((tick (buffer-chars-modified-tick))
         (is-changed (not (eql tick infill-ghost--tick))))
    (setq infill-ghost--tick tick)
    (if (infill-ghost--inhibited-p)
        (infill-ghost--leave)
      (if infill-ghost--offer
          (let ((now (infill-place-here)))
            (unless (infill-place-same-p (infill-offer-place infill-ghost--offer) now)
              (infill-ghost--set (infill-offer-rest infill-ghost--offer now)))))
      (when is-changed
        (infill-ghost--ask-soon)))))

(defun infill-ghost--window-changed (window)
  "Offer nothing in a buffer whose WINDOW is no longer selected."
  (unless (eq window (selected-window))
    (with-current-buffer (window-buffer window)
      (infill-ghost--leave))))

(defun infill-ghost--popup-changed (&rest _)
  "Offer nothing while there is a popup."
  (when (infill-ghost--inhibited-p)
    (infill-ghost--leave)))

(defconst infill-ghost--hooks
  '((post-command-hook . infill-ghost--keep-up)
    (window-selection-change-functions . infill-ghost--window-changed)
    (completion-in-region-mode-hook . infill-ghost--popup-changed)
    (company-completion-started-hook . infill-ghost--popup-changed))
  "What is called when, in each buffer with `infill-mode'.")

(defun infill-ghost-follow (is-on)
  "Offer ghost text in this buffer from now on; no longer, if IS-ON is nil."
  (pcase-dolist (`(,hook . ,function) infill-ghost--hooks)
    (if is-on
        (add-hook hook function nil t)
      (remove-hook hook function t)))
  (if is-on
      (setq infill-ghost--tick (buffer-chars-modified-tick))
    (infill-ghost--leave)))

(defun infill-ghost-clear ()
  "Offer nothing in any buffer."
  (dolist (buffer (buffer-list))
    (when (buffer-local-value 'infill-ghost--offer buffer)
      (with-current-buffer buffer
        (infill-ghost--leave)))))

(add-hook 'infill-server-off-hook #'infill-ghost-clear)

;;; What keys do

(defun infill-ghost--take (part)
  "Insert PART of what is shown; what is left of it stays."
  (let* ((offer (or infill-ghost--offer (user-error "There is no ghost text here")))
         (server (infill-server-here))
         (item (infill-offer-item offer))
         (text (infill-place-part (infill-item-text item) part))
         (left (infill-item-rest item text)))
    (infill-ghost--cancel)
    (infill-ghost--set nil)
    (insert text)
    (when left
      (infill-ghost--set (make-infill-offer :place (infill-place-here) :items (list left))))
    (when-let* ((command (infill-item-command item)))
      (let ((argument (elt (plist-get command :arguments) 0)))
        (if left
            (infill-server-command
             server "infill.partiallyAccepted"
             (list :id (plist-get argument :id)
                   :length (infill-server-units server (infill-item-accepted left))))
          (infill-server-command server (plist-get command :command) argument))))))

(defun infill-accept ()
  "Accept all of the ghost text."
  (interactive)
  (infill-ghost--take 'all))

(defun infill-accept-word ()
  "Accept the next word of the ghost text."
  (interactive)
  (infill-ghost--take 'word))

(defun infill-accept-line ()
  "Accept the next line of the ghost text."
  (interactive)
  (infill-ghost--take 'line))

(defun infill-ghost--step (by)
  "Show the alternative BY further on.
Typing asks for one text only, so the first time the others are asked for."
  (let ((offer (or infill-ghost--offer (user-error "There is no ghost text here"))))
    (if (not (infill-offer-is-complete offer))
        (infill-ghost--ask t by)
      (setf (infill-offer-index offer)
            (mod (+ (infill-offer-index offer) by) (length (infill-offer-items offer))))
      (infill-ghost--set offer t))))

(defun infill-next ()
  "Show the next alternative of the ghost text."
  (interactive)
  (infill-ghost--step 1))

(defun infill-previous ()
  "Show the previous alternative of the ghost text."
  (interactive)
  (infill-ghost--step -1))

(defun infill-dismiss ()
  "Hide the ghost text until something is typed."
  (interactive)
  (when infill-ghost--offer
    (let ((command (infill-item-command (infill-offer-item infill-ghost--offer))))
      (infill-ghost--leave)
      (setq infill-ghost--dismissed (infill-place-here))
      (when command
        (infill-server-command (infill-server-here) "infill.rejected" (elt (plist-get command :arguments) 0))))))

;;;###autoload
(defun infill-trigger ()
  "Ask for ghost text here, with alternatives."
  (interactive)
  (unless (infill-server-here)
    (user-error "No infill server runs for this buffer; `M-x infill-ensure' starts it"))
  (infill-ghost--ask t))

(provide 'infill-ghost)
;;; infill-ghost.el ends here
