;;; infill-commands.el --- What users ask infill's server  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Commands that show what the server is doing, or have it do something else.

;;; Code:

(require 'infill-server)

(defun infill-commands--server ()
  "Return the server of this buffer, or else any there is."
  (or (infill-server-here)
      (cl-loop for servers being the hash-values of eglot--servers-by-project
               thereis (cl-find-if #'infill-server-p servers))
      (user-error "No infill server runs; `M-x infill-ensure' starts it in a file")))

(defun infill-commands--show (name text)
  "Show TEXT in a buffer with NAME; \\`q' closes it."
  (with-current-buffer (get-buffer-create (format "*infill %s*" name))
    (let ((inhibit-read-only t))
      (erase-buffer)
      (insert (string-trim text) "\n")
      (goto-char (point-min)))
    (special-mode)
    (pop-to-buffer (current-buffer))))

(defun infill-commands--run (&rest arguments)
  "Run the program of infill's with ARGUMENTS, and show what it prints."
  (let ((program (or (infill-server-program) (user-error "%s is not on your PATH" (car infill-command))))
        (name (string-join arguments " ")))
    (with-current-buffer (generate-new-buffer " *infill output*")
      (make-process :name "infill" :buffer (current-buffer) :command (cons program arguments)
                    :connection-type 'pipe :noquery t
                    :sentinel (lambda (process _change)
                                (unless (process-live-p process)
                                  (with-current-buffer (process-buffer process)
                                    (let ((text (buffer-string)))
                                      (kill-buffer)
                                      (infill-commands--show name text)))))))))

;;;###autoload
(defun infill-status ()
  "Say what the server does, and with which model."
  (interactive)
  (message "%s" (infill-server-status-text (or (infill-server-status (infill-commands--server))
                                               '(:status "starting")))))

(defun infill-commands--scope ()
  "Read what to switch off, or on again: what `infill.toggle' takes."
  (pcase (completing-read "Switch infill off, or on again, in: " '("all" "language" "folder") nil t)
    ("language" `(:scope "language" :value ,(eglot--languageId)))
    ("folder" `(:scope "folder" :value ,(plist-get (elt (eglot-workspace-folders (infill-commands--server)) 0) :uri)))
    (_ '(:scope "all"))))

;;;###autoload
(defun infill-toggle (scope)
  "Switch completion off, or on again.
With a prefix argument, choose whether everywhere, for this language, or in this
project: SCOPE."
  (interactive (list (if current-prefix-arg (infill-commands--scope) '(:scope "all"))))
  (infill-server-command (infill-commands--server) "infill.toggle" scope
                         (lambda (result)
                           (message "infill: %s is %s" (or (plist-get scope :value) "completion")
                                    (if (eq (plist-get result :on) t) "on" "off")))))

;;;###autoload
(defun infill-snooze (minutes)
  "Switch completion off for so many MINUTES; \\[infill-toggle] ends that."
  (interactive (list (read-number "Switch infill off for so many minutes: " 30)))
  (infill-server-command (infill-commands--server) "infill.toggle" (list :on :json-false :minutes minutes)
                         (lambda (_result)
                           (message "infill: off for %s minutes; `M-x infill-toggle' ends that" minutes))))

;;;###autoload
(defun infill-explain (with-text)
  "Show how the last completion came about.
With a prefix argument, WITH-TEXT, source text is included."
  (interactive "P")
  (infill-server-command (infill-commands--server) "infill.explainLast" (and with-text t)
                         (lambda (result) (infill-commands--show "explain" result))))

;;;###autoload
(defun infill-dump ()
  "Show the server's state, for a bug report."
  (interactive)
  (infill-server-command (infill-commands--server) "infill.dumpState" nil
                         (lambda (result) (infill-commands--show "dump" result))))

;;;###autoload
(defun infill-doctor ()
  "Show what is installed, and whether the model can infill."
  (interactive)
  (infill-commands--run "doctor"))

;;;###autoload
(defun infill-models ()
  "Show the models that infill knows."
  (interactive)
  (infill-commands--run "models" "list"))

;;;###autoload
(defun infill-restart ()
  "End the server and start it anew, with `infill-settings' as they are now."
  (interactive)
  (eglot-reconnect (infill-commands--server)))

;;;###autoload
(defun infill-log ()
  "Show what the server wrote to its log."
  (interactive)
  (eglot-stderr-buffer (infill-commands--server)))

(defun infill-commands-reach (file)
  "Visit FILE, say whether that reaches the server, and leave Emacs.
It is for the command line, after your configuration has been loaded."
  (find-file file)
  (run-hooks 'post-command-hook) ; where eglot starts
  (let ((deadline (+ (float-time) 60)))
    (while (and (process-list) (not (infill-server-here)) (< (float-time) deadline))
      (accept-process-output nil 0.1)))
  (unless (infill-server-here)
    (kill-emacs 1))
  (princ (string-join (cons (format "Emacs %s reaches infill; ghost text is %s." emacs-version
                                    (if (infill-server-draws-p (infill-server-here)) "on" "off"))
                            infill-server--said)
                      "\n"))
  (kill-emacs 0))

(provide 'infill-commands)
;;; infill-commands.el ends here
