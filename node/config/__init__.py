"""``hazel.yaml`` as a frozen value that can not be wrong.

``model.py`` says what may be set and what it means, ``descriptions.py`` reads those meanings, ``load.py`` reads the file,
``text_yaml.py`` reads YAML with every scalar as text, ``template.py`` writes the commented file that ``hazel init`` leaves.
"""
