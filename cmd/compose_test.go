package cmd_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/schema"
	"go.yaml.in/yaml/v3"
)

type composeFile struct {
	Services map[string]struct {
		Image       string            `yaml:"image"`
		Environment map[string]string `yaml:"environment"`
		Ports       []string          `yaml:"ports"`
		Volumes     []string          `yaml:"volumes"`
		Build       struct {
			Dockerfile string `yaml:"dockerfile"`
		} `yaml:"build"`
	} `yaml:"services"`
	Volumes map[string]any `yaml:"volumes"`
}

func readCompose(t *testing.T) (raw map[string]any, file composeFile) {
	t.Helper()
	text, err := os.ReadFile("../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &raw); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return raw, file
}

func TestTheComposeFileFitsTheSpecification(t *testing.T) {
	raw, _ := readCompose(t)
	if err := schema.Validate(raw); err != nil {
		t.Error(err)
	}
	raw["services"].(map[string]any)["keys"].(map[string]any)["healtcheck"] = map[string]any{}
	if err := schema.Validate(raw); err == nil {
		t.Error("a misspelt key goes unseen: the check is worth nothing")
	}
}

func TestTheComposeFileIsSafeToStart(t *testing.T) {
	_, file := readCompose(t)
	pinned := regexp.MustCompile(`:[0-9]+\.[0-9]+[^:]*$`)
	for name, service := range file.Services {
		if service.Image != "" && !pinned.MatchString(service.Image) {
			t.Errorf("%s: image %s is not pinned to a release", name, service.Image)
		}
		if service.Build.Dockerfile != "" {
			if _, err := os.Stat(filepath.Join("..", service.Build.Dockerfile)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, port := range service.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s: port %s is open to the network, and nothing here has a real password", name, port)
			}
		}
		for _, volume := range service.Volumes {
			if source, _, _ := strings.Cut(volume, ":"); !declared(file, source) {
				t.Errorf("%s: volume %s is not declared", name, source)
			}
		}
	}
}

func declared(file composeFile, volume string) bool {
	_, ok := file.Volumes[volume]
	return ok
}

// A renamed variable would start the embedded stores in place of the servers,
// and nobody would notice.
func TestTheServiceReadsEveryVariableItIsGiven(t *testing.T) {
	_, file := readCompose(t)
	var known []string
	tag := regexp.MustCompile(`env:"([A-Z_]+)"`)
	err := fs.WalkDir(os.DirFS("tracekeep"), ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(name) != ".go" {
			return err
		}
		text, err := os.ReadFile(filepath.Join("tracekeep", name))
		for _, match := range tag.FindAllStringSubmatch(string(text), -1) {
			known = append(known, match[1])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	given := file.Services["tracekeep"].Environment
	if len(given) == 0 {
		t.Error("the service is given nothing")
	}
	for name := range given {
		if !slices.Contains(known, name) {
			t.Errorf("the service does not read %s", name)
		}
	}
}
