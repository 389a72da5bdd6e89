package supplychain

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
)

// descriptor names a blob (OCI Image Format Specification 1.1, "Content Descriptors").
type descriptor struct {
	MediaType string            `json:"mediaType"`
	Digest    string            `json:"digest"`
	Size      int               `json:"size"`
	Platform  map[string]string `json:"platform,omitempty"`
}

// Image returns a container image as a tar file of an OCI image layout: for each
// architecture of Linux the program, in a file system that contains nothing else.
// programs are statically linked, by Go's name of the architecture, in order.
func Image(version string, architectures []string, programs map[string][]byte) ([]byte, error) {
	l := layout{files: map[string]bool{}}
	l.archive = tar.NewWriter(&l.out)
	var manifests []descriptor
	for _, arch := range architectures {
		layer, err := layerWith(programs[arch])
		if err != nil {
			return nil, err
		}
		file := File{Body: layer}
		config := l.addJSON("application/vnd.oci.image.config.v1+json", map[string]any{
			"architecture": arch, "os": "linux",
			// A number, because there is no /etc/passwd.
			"config": map[string]any{
				"Entrypoint": []string{"/permstack"}, "User": "65532:65532",
				"Labels": map[string]string{"org.opencontainers.image.version": version},
			},
			"rootfs": map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + file.sha256()}},
		})
		blob := l.add("application/vnd.oci.image.layer.v1.tar", layer)
		manifest := l.addJSON("application/vnd.oci.image.manifest.v1+json", map[string]any{
			"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
			"config": config, "layers": []descriptor{blob},
		})
		manifest.Platform = map[string]string{"os": "linux", "architecture": arch}
		manifests = append(manifests, manifest)
	}
	l.write("oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`))
	index, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": manifests,
	})
	if err != nil {
		return nil, err
	}
	l.write("index.json", index)
	if l.err == nil {
		l.err = l.archive.Close()
	}
	if l.err != nil {
		return nil, fmt.Errorf("write image: %w", l.err)
	}
	return l.out.Bytes(), nil
}

// layerWith returns the layer with the program. Times are zero.
func layerWith(program []byte) ([]byte, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	err := w.WriteHeader(&tar.Header{Name: "permstack", Mode: 0o755, Size: int64(len(program)), Format: tar.FormatUSTAR})
	if err == nil {
		_, err = w.Write(program)
	}
	if err == nil {
		err = w.Close()
	}
	return out.Bytes(), err
}

// layout writes the files of an image layout and keeps the first error.
type layout struct {
	out     bytes.Buffer
	archive *tar.Writer
	files   map[string]bool
	err     error
}

func (l *layout) write(name string, data []byte) {
	if l.err != nil || l.files[name] {
		return
	}
	l.files[name] = true
	l.err = l.archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(data)), Format: tar.FormatUSTAR})
	if l.err == nil {
		_, l.err = l.archive.Write(data)
	}
}

func (l *layout) add(mediaType string, data []byte) descriptor {
	digest := File{Body: data}.sha256()
	l.write("blobs/sha256/"+digest, data)
	return descriptor{MediaType: mediaType, Digest: "sha256:" + digest, Size: len(data)}
}

func (l *layout) addJSON(mediaType string, v any) descriptor {
	data, err := json.Marshal(v)
	if err != nil && l.err == nil {
		l.err = err
	}
	return l.add(mediaType, data)
}
