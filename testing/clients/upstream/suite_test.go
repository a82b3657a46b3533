// containerd's own suite of tests for snapshotters, over a server of Transom for each test.
//
// It needs Go and containerd's packages, which Debian has (sid: golang-go, golang-github-containerd-containerd-dev):
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go test -c -o suite.test .
//	TRANSOM=target/debug/transom ./suite.test -test.root -test.v
package upstream

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	snapshotsapi "github.com/containerd/containerd/api/services/snapshots/v1"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/core/snapshots/proxy"
	"github.com/containerd/containerd/v2/core/snapshots/testsuite"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

func start(ctx context.Context, folder string) (snapshots.Snapshotter, func() error, error) {
	socket := folder + "/transom.sock"
	log, err := os.Create(folder + "/log")
	if err != nil {
		return nil, nil, err
	}
	server := exec.Command(os.Getenv("TRANSOM"), "--root", folder+"/store", "serve",
		"--containerd", socket, "--containerd-address", folder+"/none.sock")
	server.Stdout, server.Stderr = log, log
	if err := server.Start(); err != nil {
		return nil, nil, err
	}
	for tries := 0; tries < 200; tries++ {
		if _, err := os.Stat(socket); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	connection, err := grpc.NewClient("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, nil, err
	}
	stop := func() error {
		connection.Close()
		server.Process.Signal(os.Interrupt)
		return server.Wait()
	}
	return proxy.NewSnapshotter(snapshotsapi.NewSnapshotsClient(connection), "transom"), stop, nil
}

func TestSnapshotter(t *testing.T) {
	testsuite.SnapshotterSuite(t, "transom", start)
}
