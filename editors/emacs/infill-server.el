;;; infill-server.el --- infill's server, as eglot starts it  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Which server eglot starts where, what it is told, and what it says.
;;
;; Eglot has one server a buffer.  So that infill stands beside another one, both
;; are behind rassumfrassum, a multiplexer, which `rass.py' tells where to send
;; what.

;;; Code:

(require 'cl-lib)
(require 'eglot)

(defgroup infill nil
  "Code completion by a model on your own machine."
  :group 'convenience
  :prefix "infill-")

(defcustom infill-command '("infill" "serve")
  "The server's command line."
  :type '(repeat string))

(defcustom infill-settings nil
  "Settings of the server, a property list as nested as in its own file.
For example (:model \"deepseek-coder-1.3b-base\" :completion (:max_lines 3)).
False is `:json-false'.  They are read when a server starts."
  :type '(plist :key-type symbol :value-type sexp))

(defcustom infill-beside t
  "Whether infill stands beside the server that eglot would start without it.
It does where that one is installed and `infill-multiplexer' is, too."
  :type 'boolean)

(defcustom infill-multiplexer "rass"
  "The program that puts two servers behind one: rassumfrassum's."
  :type 'string)

(defcustom infill-ghost-text t
  "Whether there is ghost text.  Without it, completion is in the menu.
It is read when a server starts."
  :type 'boolean)

(defcustom infill-languages
  '((js-json . "json") (json . "json") (jsonc . "jsonc") (c++ . "cpp") (c . "c") (bash . "shellscript")
    (sh . "shellscript") (tsx . "typescriptreact") (typescript . "typescript") (js . "javascript")
    (clojure . "clojure") (cmake . "cmake") (conf-toml . "toml") (toml . "toml") (csharp . "csharp") (css . "css")
    (dart . "dart") (dockerfile . "dockerfile") (elixir . "elixir") (emacs-lisp . "emacs-lisp") (erlang . "erlang")
    (go . "go") (haskell . "haskell") (html . "html") (mhtml . "html") (java . "java") (julia . "julia")
    (kotlin . "kotlin") (latex . "latex") (lua . "lua") (makefile . "makefile") (nix . "nix") (objc . "objective-c")
    (tuareg . "ocaml") (perl . "perl") (cperl . "perl") (php . "php") (python . "python") (ess-r . "r")
    (ruby . "ruby") (rust . "rust") (scala . "scala") (sql . "sql") (swift . "swift") (yaml . "yaml") (zig . "zig"))
  "Where infill completes: each major mode's name and what LSP calls its language.
The name `c' means both `c-mode' and `c-ts-mode', and what derives from them."
  :type '(alist :key-type symbol :value-type string))

(defconst infill-server--folder (file-name-directory (or load-file-name (macroexp-file-name) ""))
  "Where this package is.")

(defclass infill-server (eglot-lsp-server)
  ((status :initform nil :accessor infill-server-status
           :documentation "What it does, as it said: a property list, or nil."))
  :documentation "A server that is infill, or has it beside another one.")

;;; Which server eglot starts

(defun infill-server--modes (language)
  "Return LANGUAGE's major modes, as `eglot-server-programs' has them."
  (cl-loop for suffix in '("-mode" "-ts-mode")
           collect (list (intern (format "%s%s" (car language) suffix)) :language-id (cdr language))))

(defun infill-server-language (mode)
  "Return the entry of `infill-languages' that MODE belongs to."
  (cl-find-if (lambda (language)
                (cl-loop for (each) in (infill-server--modes language) thereis (provided-mode-derived-p mode each)))
              infill-languages))

(defvar infill-server--entries nil
  "What is ours of `eglot-server-programs'.")

(defun infill-server-register ()
  "Put infill before the other servers of `eglot-server-programs'."
  (let ((others (cl-set-difference eglot-server-programs infill-server--entries :test #'eq)))
    (setq infill-server--entries
          (append (and infill-beside (delq nil (mapcar #'infill-server--entry-beside others)))
                  (list (cons (mapcan #'infill-server--modes infill-languages)
                              (infill-server--contact nil))))
          eglot-server-programs (append infill-server--entries others))))

(defun infill-server--entry-beside (entry)
  "Return an entry for the modes of ENTRY that are in one of `infill-languages'.
Nil if there are none."
  (pcase-let* ((`(,modes . ,other) entry)
               (symbols (mapcar (lambda (mode) (if (consp mode) (car mode) mode))
                                (if (or (symbolp modes) (keywordp (cadr modes))) (list modes) modes)))
               (ours (cl-loop for symbol in symbols
                              for language = (infill-server-language symbol)
                              when language collect (list symbol :language-id (cdr language)))))
    (and ours (cons ours (infill-server--contact other)))))

(defun infill-server--contact (other)
  "Return a contact: infill, beside what the contact OTHER would start."
  (lambda (&optional _interactive project)
    (let ((command (and infill-beside (infill-server--command-of other project))))
      (cond ((and command (not (infill-server-program)))
             (infill-server-say-missing)
             `(eglot-lsp-server ,@command))
            ((not (infill-server-program))
             (user-error "%s is not on your PATH" (car infill-command)))
            ((and command (executable-find infill-multiplexer))
             (infill-server--multiplexed command))
            (t
             (when command
               (infill-server--say-once
                "infill is without %s here: install rassumfrassum to have both" (car command)))
             `(infill-server ,@infill-command
                             :initializationOptions ,(lambda (_) (infill-server--object infill-settings))))))))

(defun infill-server--command-of (contact project)
  "Return the command line, and options, of CONTACT in PROJECT; nil for none.
A server that is reached otherwise, or that is not installed, is none."
  (let ((found (if (functionp contact)
                   (ignore-errors
                     (if (eq (cdr (func-arity contact)) 1) (funcall contact nil) (funcall contact nil project)))
                 contact)))
    (and (consp found) (stringp (car found))
         (or (null (cdr found)) (not (integerp (cadr found))))
         (not (memq :autoport found))
         (executable-find (car found))
         found)))

(defun infill-server--multiplexed (other)
  "Return a contact: infill behind the command line OTHER, in one connection."
  (let* ((options (cl-position-if #'keywordp other))
         (others (plist-get (and options (nthcdr options other)) :initializationOptions)))
    `(infill-server
      ,infill-multiplexer ,(expand-file-name "rass.py" infill-server--folder) "--log-level" "warn"
      "--" ,@(take (or options (length other)) other)
      "--" ,@infill-command
      :initializationOptions
      ,(lambda (server)
         (list :rass (list (infill-server--pattern (car infill-command)) (infill-server--object infill-settings)
                           (infill-server--pattern (car other))
                           (infill-server--object (if (functionp others) (funcall others server) others))))))))

(defun infill-server--pattern (program)
  "Return the key under which the multiplexer takes the options for PROGRAM."
  (intern (format ":^%s(#|$)" (regexp-quote (file-name-nondirectory program)))))

(defun infill-server--object (options)
  "Return OPTIONS as an object of JSON's, where nil would be none."
  (or options (make-hash-table)))

;;; What is said

(defvar infill-server--said nil
  "Messages that are not to be said again.")

(defun infill-server--say-once (format &rest arguments)
  "Say the sentence of FORMAT and ARGUMENTS, unless that was said before."
  (let ((text (apply #'format format arguments)))
    (unless (member text infill-server--said)
      (push text infill-server--said)
      (message "%s" text))))

(defun infill-server-program ()
  "Return the path of the server's program, nil where there is none."
  (executable-find (car infill-command)))

(defun infill-server-say-missing ()
  "Say, once, that the server's program is missing."
  (infill-server--say-once "infill: %s is not on your PATH; `infill setup emacs --write' says where it is"
                           (car infill-command)))

;;; Speaking with it

(defun infill-server-here ()
  "Return the server of this buffer, if it is infill's."
  (let ((server (eglot-current-server)))
    (and (cl-typep server 'infill-server) server)))

(defun infill-server-draws-p (server)
  "Whether SERVER gives ghost text."
  (plist-member (eglot--capabilities server) :inlineCompletionProvider))

(cl-defmethod eglot-client-capabilities ((_server infill-server))
  "Add ghost text, and what infill knows beyond LSP."
  (let ((capabilities (cl-call-next-method)))
    (when infill-ghost-text
      (setf (plist-get (plist-get capabilities :textDocument) :inlineCompletion)
            '(:dynamicRegistration :json-false)))
    (plist-put capabilities :experimental
               `(:infill (:status t :acceptance ,(if infill-ghost-text t :json-false))))))

(cl-defmethod eglot-handle-notification
  ((server infill-server) (_method (eql '$/infill/status)) &key status message model &allow-other-keys)
  "Keep the STATUS, the MESSAGE that explains it, and the MODEL of SERVER."
  (setf (infill-server-status server) (list :status status :message message :model model))
  (when (equal status "off")
    (run-hooks 'infill-server-off-hook))
  (force-mode-line-update t))

(defvar infill-server-off-hook nil
  "What to run when completion was switched off.")

(cl-defmethod eglot-handle-notification
  ((_server infill-server) (_method (eql 'window/showMessage)) &key message &allow-other-keys)
  "Say a MESSAGE of infill's as it is."
  (if (string-prefix-p "infill" message)
      (message "%s" message)
    (cl-call-next-method)))

(cl-defmethod jsonrpc-last-error ((_server infill-server))
  "Return the last error, unless it is that a request was cancelled.
Eglot's mode line would call that an error."
  (let ((error (cl-call-next-method)))
    (unless (memql (plist-get error :code) '(-32800 -32801 -32802))
      error)))

(cl-defmethod eglot-execute ((server infill-server) _action)
  "Have SERVER execute an action, as long as the model takes for it.
Quitting stops the model."
  (condition-case nil
      (let ((jsonrpc-default-request-timeout 300))
        (cl-call-next-method))
    (quit
     (infill-server-cancel server (jsonrpc--next-request-id server))
     (signal 'quit nil))))

(defun infill-server-cancel (server id)
  "Tell SERVER that nobody waits for the answer to the request ID."
  (when (fboundp 'jsonrpc--remove)
    (jsonrpc--remove server id)) ; the multiplexer does not answer what was cancelled
  (when (jsonrpc-running-p server)
    (jsonrpc-notify server :$/cancelRequest (list :id id))))

(defun infill-server-request (server method params on-answer &optional on-error)
  "Send SERVER the request METHOD with PARAMS, and return its id.
ON-ANSWER is called with the result, which is nil if there is none.  ON-ERROR is
called instead with an error of the server's."
  (car (jsonrpc--async-request-1 server method params
                                 :success-fn on-answer
                                 :error-fn (or on-error (lambda (_error) (funcall on-answer nil)))
                                 :timeout-fn (lambda () (funcall on-answer nil))
                                 :timeout 60)))

(defun infill-server-command (server command &optional argument on-answer)
  "Have SERVER run COMMAND with ARGUMENT; ON-ANSWER is called with the result."
  (infill-server-request server :workspace/executeCommand
                         (list :command command :arguments (if argument (vector argument) []))
                         (or on-answer #'ignore)
                         (lambda (error)
                           (when on-answer
                             (message "infill: %s" (plist-get error :message))))))

(defun infill-server-units (server text)
  "Return the length of TEXT as SERVER counts."
  (pcase (plist-get (eglot--capabilities server) :positionEncoding)
    ("utf-32" (length text))
    ("utf-8" (string-bytes text))
    (_ (/ (length (encode-coding-string text 'utf-16le)) 2))))

;;; The mode line

(defconst infill-server--icons
  '(("stopped" . "◌") ("loading" . "◌") ("ready" . "●") ("generating" . "◍") ("off" . "○") ("error" . "✗"))
  "A sign for each status.")

(defun infill-server-lighter ()
  "Return what is in the mode line about this buffer's server."
  (let* ((server (infill-server-here))
         (status (and server (infill-server-status server))))
    (if status
        (propertize (format " %s infill" (alist-get (plist-get status :status) infill-server--icons "?" nil #'equal))
                    'help-echo (infill-server-status-text status))
      " infill")))

(defun infill-server-status-text (status)
  "Return STATUS as a sentence."
  (let ((model (plist-get status :model)) (message (plist-get status :message)))
    (concat "infill: " (plist-get status :status)
            (unless (member model '(nil "")) (concat " with " model))
            (unless (member message '(nil "")) (concat ": " message)))))

(provide 'infill-server)
;;; infill-server.el ends here
