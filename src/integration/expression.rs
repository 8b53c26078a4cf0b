//! The two notations of manifests: JSONPath for data, MiniJinja for templates and predicates.
