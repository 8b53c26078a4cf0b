//! Embeds the integration manifests: a folder with a `manifest.yaml` under `integrations/pbx` or `integrations/crm` is an
//! integration, without a line of Rust.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    // The parent, which is always there: a watched path that does not exist would rebuild everything each time.
    println!("cargo::rerun-if-changed={}", root.join("integrations").display());
    let mut code = String::new();
    for (kind, name) in [("pbx", "PBX_MANIFESTS"), ("crm", "CRM_MANIFESTS")] {
        let folder = root.join("integrations").join(kind);
        let _ = writeln!(code, "/// The manifests under `integrations/{kind}`, by folder, sorted.");
        let _ = writeln!(code, "pub(super) const {name}: &[(&str, &str)] = &[");
        for (integration, manifest) in manifests(&folder)? {
            let _ = writeln!(code, "    ({integration:?}, include_str!({:?})),", manifest.display().to_string());
        }
        code.push_str("];\n");
    }
    fs::write(out.join("embedded_manifests.rs"), code)
}

fn manifests(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let manifest = entry.path().join("manifest.yaml");
        if manifest.is_file() {
            found.push((entry.file_name().to_string_lossy().into_owned(), manifest));
        }
    }
    found.sort();
    Ok(found)
}
