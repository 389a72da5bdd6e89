package protocol

import (
	"strconv"
	"time"
)

// Time is a time in the formats of AWS: ISO 8601 in Query responses, seconds
// since 1970 in JSON ones.
type Time time.Time

// MarshalText returns ISO 8601, as in the Query services.
func (t Time) MarshalText() ([]byte, error) {
	return []byte(time.Time(t).UTC().Format("2006-01-02T15:04:05Z")), nil
}

// MarshalJSON returns seconds since 1970, as in the JSON services.
func (t Time) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(time.Time(t).UnixMilli())/1000, 'f', -1, 64), nil
}
