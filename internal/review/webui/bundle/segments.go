package bundle

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// joinSegments returns a WebAssembly module with one data segment in place of many. Go's linker leaves out runs of
// more than eight zeros and writes up to 100,000 segments for the rest (cmd/link/internal/wasm, writeDataSec). That
// is shorter, but the segments' offsets compress badly: with the zeros the compressed module is a fourteenth
// smaller. The memory has the same content, because it is zero before the segments are copied to it (WebAssembly
// Core Specification, Modules, Instantiation).
func joinSegments(module []byte) ([]byte, error) {
	const header, dataSection = 8, 11 // "\0asm" and the version; the section's number in the binary format
	if len(module) < header || !bytes.HasPrefix(module, []byte("\x00asm")) {
		return nil, errors.New("join data segments: not a WebAssembly module")
	}
	out := slices.Clone(module[:header])
	for r := (reader{rest: module[header:]}); len(r.rest) > 0; {
		id := r.byte()
		content := r.bytes(r.unsigned())
		if r.err != nil {
			return nil, fmt.Errorf("join data segments: read section %d: %w", id, r.err)
		}
		if id == dataSection {
			joined, err := joinData(content)
			if err != nil {
				return nil, fmt.Errorf("join data segments: %w", err)
			}
			content = joined
		}
		out = append(out, id)
		out = binary.AppendUvarint(out, uint64(len(content)))
		out = append(out, content...)
	}
	return out, nil
}

// segment is an active data segment of memory 0.
type segment struct {
	offset  int
	content []byte
}

// joinData returns the content of a data section with one segment, which begins where the first segment begins.
func joinData(section []byte) ([]byte, error) {
	const i32Const, end = 0x41, 0x0b // instructions
	r := reader{rest: section}
	segments := make([]segment, 0, 100_000)
	for n := r.unsigned(); n > 0 && r.err == nil; n-- {
		mode, instruction := r.byte(), r.byte()
		s := segment{offset: r.signed()}
		if last := r.byte(); r.err == nil && (mode != 0 || instruction != i32Const || last != end || s.offset < 0) {
			return nil, errors.New("a segment is not at a constant offset of memory 0")
		}
		s.content = r.bytes(r.unsigned())
		segments = append(segments, s)
	}
	switch {
	case r.err != nil:
		return nil, r.err
	case len(segments) == 0:
		return section, nil
	}
	slices.SortFunc(segments, func(a, b segment) int { return a.offset - b.offset })
	first := segments[0].offset
	var content []byte
	for _, s := range segments {
		gap := s.offset - first - len(content)
		if gap < 0 {
			return nil, fmt.Errorf("segments overlap at offset %d", s.offset)
		}
		content = append(append(content, make([]byte, gap)...), s.content...)
	}
	out := appendSigned([]byte{1, 0, i32Const}, first)
	out = binary.AppendUvarint(append(out, end), uint64(len(content)))
	return append(out, content...), nil
}

// reader reads values of WebAssembly's binary format. After an error it returns zero values.
type reader struct {
	rest []byte
	err  error
}

var errShort = errors.New("unexpected end")

func (r *reader) bytes(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.rest, r.err = nil, errShort
		return nil
	}
	out := r.rest[:n]
	r.rest = r.rest[n:]
	return out
}

func (r *reader) byte() byte {
	if b := r.bytes(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

// unsigned reads an unsigned LEB128 number.
func (r *reader) unsigned() int {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		n = len(r.rest) + 1 // an error
	}
	r.bytes(n)
	return int(v) // #nosec G115 -- bytes refuses a number that does not fit
}

// signed reads a signed LEB128 number.
func (r *reader) signed() int {
	v, shift := 0, 0
	for {
		b := r.byte()
		v |= int(b&0x7f) << shift
		shift += 7
		if b&0x80 == 0 || shift > 35 {
			if b&0x40 != 0 {
				v -= 1 << shift
			}
			return v
		}
	}
}

// appendSigned appends a signed LEB128 number.
func appendSigned(out []byte, v int) []byte {
	for {
		b := byte(v & 0x7f)
		v >>= 7
		if v == 0 && b&0x40 == 0 || v == -1 && b&0x40 != 0 {
			return append(out, b)
		}
		out = append(out, b|0x80)
	}
}
