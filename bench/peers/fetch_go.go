// The same fan-out as fetch_bench with Go's net/http, to compare the processor time of a fetch:
//
//	fetch_go URL IN_FLIGHT MEAN_LATENCY_SECONDS SECONDS
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

type object struct {
	ID     *int64 `json:"id"`
	Online *bool  `json:"online"`
}

var next, answered, failed atomic.Int64

func ask(client *http.Client, url string, id int64) error {
	response, err := client.Get(strings.Replace(url, "{id}", strconv.FormatInt(id, 10), 1))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	var answer object
	if err := json.Unmarshal(body, &answer); err != nil {
		return err
	}
	if response.StatusCode != 200 || answer.ID == nil || *answer.ID != id || answer.Online == nil {
		return fmt.Errorf("not an answer about %d", id)
	}
	return nil
}

func fetchForEver(client *http.Client, url string) {
	for {
		if ask(client, url, next.Add(1)%1_000_000) != nil {
			failed.Add(1)
		} else {
			answered.Add(1)
		}
	}
}

func cpuSeconds() float64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)*1e-6 }
	return seconds(usage.Utime) + seconds(usage.Stime)
}

func residentBytes() float64 {
	text, _ := os.ReadFile("/proc/self/statm")
	pages, _ := strconv.ParseFloat(strings.Fields(string(text))[1], 64)
	return pages * float64(os.Getpagesize())
}

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: fetch_go URL IN_FLIGHT MEAN_LATENCY_SECONDS SECONDS")
		os.Exit(64)
	}
	concurrency, _ := strconv.Atoi(os.Args[2])
	latency, _ := strconv.ParseFloat(os.Args[3], 64)
	seconds, _ := strconv.Atoi(os.Args[4])
	dial := http.DefaultTransport.(*http.Transport).DialContext
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		DialContext: dial, MaxIdleConnsPerHost: concurrency, DisableCompression: true}}

	before := residentBytes()
	for i := 0; i < concurrency; i++ {
		go fetchForEver(client, os.Args[1])
		if i%64 == 63 {
			time.Sleep(5 * time.Millisecond) // accept queues are short
		}
	}
	time.Sleep(time.Duration((4*latency + 1) * float64(time.Second)))
	began, cpu, done := time.Now(), cpuSeconds(), answered.Load()
	time.Sleep(time.Duration(seconds) * time.Second)
	fetches := float64(answered.Load() - done)
	rate := fetches / time.Since(began).Seconds()
	possible := float64(concurrency) / latency
	fmt.Printf("%d in flight, mean latency %.3f s: %.1f fetches/s of %.1f possible, ratio %.3f\n",
		concurrency, latency, rate, possible, rate/possible)
	fmt.Printf("failed %d, CPU %.1f us a fetch, %.0f bytes resident a fetch in flight\n",
		failed.Load(), (cpuSeconds()-cpu)*1e6/fetches, (residentBytes()-before)/float64(concurrency))
}
