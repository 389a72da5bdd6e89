// Package compare computes what changed between two sets of policy documents: which access was added or removed, not
// how the text differs. It is pure: it does no I/O.
//
// # What is compared
//
// Documents are compared as evaluation sees them ("Policy evaluation logic" in
// the IAM User Guide): a request is allowed when some statement allows it and
// none denies it. An explicit denial grants less than an implicit one, because it
// overrides what another policy allows. So have grants at least what want grants if
//
//   - every request that want allows, have allows too, or want itself denies it;
//   - every request that have denies, want denies too;
//
// and at most what want grants if the same is true with the two exchanged. Both
// together are [Same], one alone is [GrantsMore] or [GrantsLess], neither is
// [Changed].
//
// # How it is decided
//
// Each statement is a block: principals × actions × resources under conditions.
// A block of one side is covered when each of its principal, action and resource
// combinations is covered by blocks of the other side, by inclusion of wildcard
// patterns and implication of conditions. Inclusion is claimed only if it is
// proved; if AWS's documentation can be read in several ways, for each of them.
// So Same, GrantsMore and GrantsLess are proofs; Changed also means "could not be
// decided".
//
// # What is ignored
//
// The order of statements, values and condition keys; white space; one value or
// a list; duplicates; Sid and Id; statements split or merged; what another
// statement covers. Case in actions, condition operators and condition keys, and
// in the names of policy variables ("IAM JSON policy elements: Action" and
// "Condition"). Resources, principals and condition values are case-sensitive.
//
// A document whose Version is not 2012-10-17 has no policy variables: "${" is
// literal text in it ("IAM JSON policy elements: Variables and tags"). Version has
// no other effect.
package compare
