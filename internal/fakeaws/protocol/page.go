package protocol

import "strconv"

// Page returns one page of at most size items and the token of the next page,
// "" after the last one. A token is the index of the next item. It reports
// false for a token that it did not issue.
func Page[T any](items []T, token string, size int) (page []T, next string, ok bool) {
	from := 0
	if token != "" {
		n, err := strconv.Atoi(token)
		if err != nil || n < 0 {
			return nil, "", false
		}
		from = min(n, len(items))
	}
	items = items[from:]
	if len(items) > size {
		return items[:size], strconv.Itoa(from + size), true
	}
	return items, "", true
}
