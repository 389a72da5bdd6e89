package protocol

import (
	"strconv"
	"time"
)

// Time is a moment as AWS writes it: ISO 8601 in a Query answer, seconds since
// 1970 in a JSON one.
type Time time.Time

// MarshalText gives the ISO 8601 form, as the Query services send it.
func (t Time) MarshalText() ([]byte, error) {
	return []byte(time.Time(t).UTC().Format("2006-01-02T15:04:05Z")), nil
}

// MarshalJSON gives seconds since 1970, as the JSON services send it.
func (t Time) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(time.Time(t).UnixMilli())/1000, 'f', -1, 64), nil
}
