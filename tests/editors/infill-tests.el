;;; infill-tests.el --- What of infill's package needs no server  -*- lexical-binding: t; -*-

;;; Commentary:

;; `test_emacs_package.py' runs these.

;;; Code:

(require 'ert)
(require 'infill)

(defun infill-tests--typed (before keys)
  "Return what is said to be typed by KEYS, a function, at the end of BEFORE."
  (with-temp-buffer
    (insert before)
    (let ((place (infill-place-here)))
      (funcall keys)
      (infill-place-typed place (infill-place-here)))))

(ert-deftest infill-place-typed ()
  (dolist (text '("" "r" "r é😀" "r\n    s\n"))
    (should (equal (infill-tests--typed "x = 1\n    " (lambda () (insert text))) text)))
  (should-not (infill-tests--typed "x = 1\n" (lambda () (forward-char -1))))
  (should-not (infill-tests--typed "x = 1" (lambda () (delete-char -1))))
  (should-not (infill-tests--typed "f" (lambda () (insert "()") (forward-char -1))))
  (should-not (infill-tests--typed "ab" (lambda () (delete-char -1) (insert "cd"))))
  (should-not (infill-tests--typed "x = 1\n" (lambda () (insert "y") (save-excursion (goto-char 1) (insert "z"))))))

(ert-deftest infill-place-part ()
  (pcase-dolist (`(,text ,word ,line)
                 '(("urn a + b" "urn" "urn a + b")
                   (" a_1 + b\n    c" " a_1" " a_1 + b")
                   ("(x)\ny" "(" "(x)")
                   ("\n\n    return x\n" "\n\n    return" "\n\n    return x")
                   ("größe=1" "größe" "größe=1")
                   ("  " "  " "  ")))
    (should (equal (infill-place-part text 'word) word))
    (should (equal (infill-place-part text 'line) line))
    (should (equal (infill-place-part text 'all) text))))

(defun infill-tests--offer (&rest texts)
  "Return an offer of TEXTS at point, the second of which is shown."
  (make-infill-offer :place (infill-place-here) :index 1
                     :items (mapcar (lambda (text) (make-infill-item :text text :whole text)) texts)))

(ert-deftest infill-offer-rest ()
  (with-temp-buffer
    (let ((offer (infill-tests--offer "xyz" "abc" "abd")))
      (insert "ab")
      (let ((rest (infill-offer-rest offer (infill-place-here))))
        (should (equal (mapcar #'infill-item-text (infill-offer-items rest)) '("c" "d")))
        (should (equal (infill-item-text (infill-offer-item rest)) "c"))
        (should (equal (infill-item-accepted (infill-offer-item rest)) "ab")))
      (insert "d")
      (should-not (infill-offer-rest offer (infill-place-here))))))

(ert-deftest infill-offer-rest-keeps-what-is-shown ()
  (with-temp-buffer
    (let ((offer (infill-tests--offer "abc" "abd")))
      (insert "a")
      (should (equal (infill-item-text (infill-offer-item (infill-offer-rest offer (infill-place-here)))) "bd")))))

(ert-deftest infill-server-language ()
  (should (equal (infill-server-language 'python-mode) '(python . "python")))
  (should (equal (infill-server-language 'c++-ts-mode) '(c++ . "cpp")))
  (should (equal (cdr (infill-server-language 'js-json-mode)) "json"))
  (should-not (infill-server-language 'text-mode)))

(defun infill-tests--contact (mode)
  "Return what eglot would start in MODE."
  (funcall (cdr (eglot--lookup-mode mode)) nil nil))

(defmacro infill-tests--with-programs (programs &rest body)
  "Evaluate BODY where only PROGRAMS are installed, and eglot knows one server."
  (declare (indent 1))
  `(cl-letf (((symbol-function 'executable-find) (lambda (name &rest _) (and (member name ,programs) name)))
             (eglot-server-programs '((python-mode "pylsp" "-v" :initializationOptions (:a 1)) (gdscript-mode "host" 6008)))
             (infill-server--entries nil)
             (infill-server--said nil)
             (infill-settings '(:model "m"))
             (inhibit-message t))
     (infill-eglot-setup)
     ,@body))

(ert-deftest infill-beside-another-server ()
  (infill-tests--with-programs '("infill" "pylsp" "rass")
    (pcase-let ((`(,class . ,contact) (infill-tests--contact 'python-mode)))
      (should (eq class 'infill-server))
      (should (equal (cl-subseq contact (cl-position "--" contact :test #'equal) -2)
                     '("--" "pylsp" "-v" "--" "infill" "serve")))
      (should (equal (funcall (car (last contact)) nil)
                     '(:rass (:^infill\(\#|$\) (:model "m") :^pylsp\(\#|$\) (:a 1))))))
    (should (equal (infill-tests--contact 'rust-mode)
                   (infill-tests--contact 'java-mode)))))

(ert-deftest infill-alone ()
  (infill-tests--with-programs '("infill" "pylsp")
    (should (equal (take 3 (infill-tests--contact 'python-mode)) '(infill-server "infill" "serve")))
    (should (string-match-p "install rassumfrassum" (car infill-server--said))))
  (infill-tests--with-programs '("infill" "rass")
    (should (equal (take 3 (infill-tests--contact 'python-mode)) '(infill-server "infill" "serve")))
    (should-not infill-server--said)))

(ert-deftest infill-missing ()
  (infill-tests--with-programs '("pylsp" "rass")
    (should (equal (take 3 (infill-tests--contact 'python-mode)) '(eglot-lsp-server "pylsp" "-v")))
    (should-error (infill-tests--contact 'rust-mode) :type 'user-error)))

(ert-deftest infill-setup-again ()
  (infill-tests--with-programs '("infill")
    (let ((programs (length eglot-server-programs)))
      (infill-eglot-setup)
      (should (= (length eglot-server-programs) programs))
      (should (equal (eglot--lookup-mode 'gdscript-mode) '(((gdscript-mode . "gdscript")) "host" 6008))))))

(ert-deftest infill-server-units ()
  (pcase-dolist (`(,encoding ,length) '(("utf-32" 3) ("utf-8" 7) ("utf-16" 4) (nil 4)))
    (cl-letf (((symbol-function 'eglot--capabilities) (lambda (_) (list :positionEncoding encoding))))
      (should (= (infill-server-units nil "aé😀") length)))))

;;; infill-tests.el ends here
