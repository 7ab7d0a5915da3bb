//! From a document to SVG, JSON and PNG.
