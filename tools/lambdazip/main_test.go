package main

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestPackIsReproducible(t *testing.T) {
	program := bytes.Repeat([]byte("a program "), 1000)
	var zips [2][]byte
	for i := range zips {
		dir := t.TempDir()
		source, target := filepath.Join(dir, "in"), filepath.Join(dir, "out.zip")
		if err := os.WriteFile(source, program, os.FileMode(0o600+i)); err != nil {
			t.Fatal(err)
		}
		when := time.Date(2000+i, 1, 1, 0, 0, 0, 0, time.UTC)
		if err := os.Chtimes(source, when, when); err != nil {
			t.Fatal(err)
		}
		if err := pack(source, target); err != nil {
			t.Fatal(err)
		}
		var err error
		if zips[i], err = os.ReadFile(target); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(zips[0], zips[1]) {
		t.Error("date and mode of the program changed the zip")
	}

	z, err := zip.NewReader(bytes.NewReader(zips[0]), int64(len(zips[0])))
	if err != nil {
		t.Fatal(err)
	}
	if len(z.File) != 1 || z.File[0].Name != "bootstrap" || z.File[0].Mode() != 0o755 {
		t.Fatalf("zip holds %v", z.File)
	}
	f, err := z.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got, err := io.ReadAll(f); err != nil || !bytes.Equal(got, program) {
		t.Errorf("bootstrap has %d bytes, %v; want the program's %d", len(got), err, len(program))
	}
}

func TestPackMissingProgram(t *testing.T) {
	if err := pack(filepath.Join(t.TempDir(), "absent"), filepath.Join(t.TempDir(), "out.zip")); err == nil {
		t.Error("got no error for a program that does not exist")
	}
}
