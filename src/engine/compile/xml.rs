//! Writing XML.

pub(crate) use svgx_base::xml::push_text as text;

/// Appends ` name="value"`.
pub(crate) fn attribute(out: &mut String, name: &str, value: &str) {
    out.push(' ');
    out.push_str(name);
    out.push_str("=\"");
    svgx_base::xml::push_attribute_value(out, value);
    out.push('"');
}
