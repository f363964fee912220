"""The brackets that pair in all languages."""

OPENERS = {")": "(", "]": "[", "}": "{"}
