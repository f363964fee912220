;;; infill.el --- Code completion by a model on your own machine  -*- lexical-binding: t; -*-

;; Author: The infill developers
;; Version: 0.1.0
;; Package-Requires: ((emacs "29.1"))
;; Keywords: convenience, languages, tools
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Ghost text and code actions by infill, a language server that runs a model
;; on your own machine.  Eglot speaks with the server; what eglot does not know,
;; `textDocument/inlineCompletion', this package asks for and draws.
;;
;;   (require 'infill)
;;   (infill-setup)
;;
;; starts it for each file in one of `infill-languages', beside the language
;; server that the file has already.  See the README beside this file.

;;; Code:

(require 'infill-server)
(require 'infill-ghost)
(require 'infill-commands)

(defvar infill-mode-map
  (let ((map (make-sparse-keymap)))
    (define-key map (kbd "C-c \\") #'infill-trigger)
    map)
  "Keys of `infill-mode'; those for ghost text are in `infill-ghost-map'.")

;;;###autoload
(define-minor-mode infill-mode
  "Ghost text from infill, in a buffer that eglot manages.
It is switched on where the buffer's server is infill's.

\\{infill-ghost-map}"
  :lighter (:eval (infill-server-lighter))
  (if (and infill-mode (not (infill-server-here)))
      (progn
        (setq infill-mode nil)
        (user-error "No infill server runs for this buffer; `M-x infill-ensure' starts it"))
    (infill-ghost-follow infill-mode)))

(defun infill--follow-eglot ()
  "Switch `infill-mode' on or off, as eglot has begun or ended with a buffer."
  (let ((is-ours (and (eglot-managed-p) (infill-server-here))))
    (unless (eq (and is-ours t) infill-mode)
      (infill-mode (if is-ours 1 -1)))))

(add-hook 'eglot-managed-mode-hook #'infill--follow-eglot)

;;;###autoload
(defun infill-ensure ()
  "Start the server for this buffer, if it is in one of `infill-languages'."
  (interactive)
  (when (and buffer-file-name (infill-server-language major-mode))
    (if (infill-server-program)
        (eglot-ensure)
      (infill-server-say-missing))))

;;;###autoload
(defun infill-eglot-setup ()
  "Have eglot start infill in `infill-languages', when it is told to start."
  (infill-server-register))

;;;###autoload
(defun infill-setup ()
  "Start infill for each file in one of `infill-languages' from now on."
  (infill-eglot-setup)
  (add-hook 'after-change-major-mode-hook #'infill-ensure))

(provide 'infill)
;;; infill.el ends here
