// Package compare says what changed between two sets of policy documents by
// what they allow, not by how they are written. It is pure: documents in, a
// [Difference] out.
//
// # What is compared
//
// Documents are compared as evaluation sees them ("Policy evaluation logic" in
// the IAM User Guide): a request is allowed when some statement allows it and
// none denies it. Explicit denial is less than silence, because it overrules
// what another policy allows. So have grants at least what want grants when
//
//   - every request that want allows, have allows too, or want itself denies it;
//   - every request that have denies, want denies too;
//
// and at most what want grants when the same holds with the two exchanged. Both
// together are [Same], one alone is [GrantsMore] or [GrantsLess], neither is
// [Changed].
//
// # How it is decided
//
// Each statement is a block: principals × actions × resources under conditions.
// A block of one side is covered when each of its principal, action and resource
// combinations is covered by blocks of the other side, by inclusion of wildcard
// patterns and implication of conditions. Inclusion is only ever claimed when it
// is proved, under every reading of AWS's documentation where that leaves room.
// So Same, GrantsMore and GrantsLess are proofs; Changed also stands for "could
// not be decided".
//
// # What makes no difference
//
// The order of statements, values and condition keys; white space; one value or
// a list; duplicates; Sid and Id; statements split or merged; what another
// statement covers. Case in actions, condition operators and condition keys,
// policy variables' names included ("IAM JSON policy elements: Action" and
// "Condition"). Resources, principals and condition values have case.
//
// A document whose Version is not 2012-10-17 has no policy variables: "${" is
// text there ("IAM JSON policy elements: Variables and tags"). Version makes no
// other difference.
package compare
