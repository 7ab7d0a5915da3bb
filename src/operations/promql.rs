//! What a PromQL expression asks for.

use std::collections::BTreeMap;

use promql_parser::label::MatchOp;
use promql_parser::parser::{self, Expr, VectorSelector};
use promql_parser::util::{ExprVisitor, walk_expr};

/// A selector: the metric and its matchers, as `(operator, value)` by label.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Selector {
    pub(crate) metric: String,
    pub(crate) matchers: BTreeMap<String, (String, String)>,
}

impl Selector {
    /// A series that the selector finds, with `more` labels where it says nothing of them: equality
    /// matchers as they are, for a pattern the first thing it allows.
    pub(crate) fn series(&self, more: &[(&str, &str)]) -> String {
        let mut labels: BTreeMap<&str, String> = BTreeMap::new();
        for (name, (op, value)) in &self.matchers {
            match op.as_str() {
                "=" => labels.insert(name, value.clone()),
                "=~" => labels.insert(name, value.replace('.', "0").replace(['+', '*'], "")),
                _ => None,
            };
        }
        for (name, value) in more {
            labels.entry(name).or_insert_with(|| (*value).to_owned());
        }
        let labels: Vec<String> = labels.iter().map(|(n, v)| format!("{n}=\"{v}\"")).collect();
        format!("{}{{{}}}", self.metric, labels.join(","))
    }
}

struct Collect(Vec<Selector>);

impl Collect {
    fn push(&mut self, v: &VectorSelector) {
        let mut matchers = BTreeMap::new();
        let mut metric = v.name.clone().unwrap_or_default();
        for m in &v.matchers.matchers {
            if m.name == "__name__" {
                metric.clone_from(&m.value);
                continue;
            }
            let op = match &m.op {
                MatchOp::Equal => "=",
                MatchOp::NotEqual => "!=",
                MatchOp::Re(_) => "=~",
                MatchOp::NotRe(_) => "!~",
            };
            matchers.insert(m.name.clone(), (op.to_owned(), m.value.clone()));
        }
        self.0.push(Selector { metric, matchers });
    }
}

impl ExprVisitor for Collect {
    type Error = std::convert::Infallible;

    fn pre_visit(&mut self, expr: &Expr) -> Result<bool, Self::Error> {
        match expr {
            Expr::VectorSelector(v) => self.push(v),
            Expr::MatrixSelector(m) => self.push(&m.vs),
            _ => {}
        }
        Ok(true)
    }
}

/// The selectors of `expr` in reading order.
///
/// # Errors
/// The parser's words when it is no PromQL.
pub(crate) fn selectors(expr: &str) -> Result<Vec<Selector>, String> {
    let ast = parser::parse(expr)?;
    let mut found = Collect(Vec::new());
    let Ok(_) = walk_expr(&mut found, &ast);
    Ok(found.0)
}

/// The windows of `expr`, in seconds; none for what is no PromQL.
pub(crate) fn windows(expr: &str) -> Vec<u64> {
    struct Windows(Vec<u64>);
    impl ExprVisitor for Windows {
        type Error = std::convert::Infallible;
        fn pre_visit(&mut self, expr: &Expr) -> Result<bool, Self::Error> {
            if let Expr::MatrixSelector(m) = expr {
                self.0.push(m.range.as_secs());
            }
            Ok(true)
        }
    }
    let mut found = Windows(Vec::new());
    if let Ok(ast) = parser::parse(expr) {
        let Ok(_) = walk_expr(&mut found, &ast);
    }
    found.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_says_which_series_it_finds() {
        let found = selectors(r#"sum(rate(a_total{job="x",code=~"5.."}[5m])) / on() b > 1"#)
            .expect("it parses");
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].series(&[]), r#"a_total{code="500",job="x"}"#);
        assert_eq!(found[1].series(&[("le", "+Inf")]), r#"b{le="+Inf"}"#);
        assert!(selectors("sum(").is_err());
    }
}
