// Kubectl is the command line of Kubernetes, as k8s.io/kubernetes builds it: a large program, for
// `rt0lab time --inits`. Hundreds of its packages have something to do before main.main.
package main

import (
	"os"

	"k8s.io/component-base/cli"
	"k8s.io/kubectl/pkg/cmd"
)

func main() {
	os.Exit(cli.Run(cmd.NewDefaultKubectlCommand()))
}
