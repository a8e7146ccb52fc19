/// The version of the program, written into saved files: the only place where it stands.
///
/// `.github/CHANGELOG.md` says what changed; a test compares its first heading with this.
package let programVersion = "0.2.0"
