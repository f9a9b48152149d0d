"""How the documentation is built: `make docs`."""

project = "iris-deploy"
extensions = ["myst_parser"]
myst_heading_anchors = 3  # links name headings
nitpicky = True

html_theme = "furo"
html_title = "iris-deploy"
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
