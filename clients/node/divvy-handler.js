'use strict'
// Handlers for divvy in Node: one file, nothing but Node itself.
//
//     const { run } = require('./divvy-handler')
//     run(async task => task.input.toUpperCase())
//
// started as `divvy run --handler 'node work.js' ::: a b c`. What the function returns, or its promise resolves to (a
// string or a Buffer; undefined for nothing), is the task's output; what it throws fails the attempt. With
// `run(work, { atOnce: 16 })` up to 16 tasks are on their way at once. console.log goes to stderr, since stdout carries
// the answers.
//
// The protocol is docs/handlers.md; this file speaks version 1 of it.

const fs = require('fs')

/** Answers wait for as many others as have come by the end of this turn of the event loop. */
class Answers {
  constructor() {
    this.lines = []
    this.done = []
    this.isDue = false
  }

  add(task, answer) {
    const last = this.done[this.done.length - 1]
    if (answer !== undefined) this.lines.push(JSON.stringify({ task, ...answer }))
    else if (last !== undefined && last[1] === task - 1) last[1] = task
    else this.done.push([task, task])
    if (!this.isDue) {
      this.isDue = true
      setImmediate(() => this.flush())
    }
  }

  flush() {
    this.isDue = false
    if (this.done.length > 0) this.lines.push(JSON.stringify({ done: this.done }))
    process.stdout.write(this.lines.join('\n') + '\n')
    this.lines = []
    this.done = []
  }
}

function taskOf(told) {
  const input = told.input !== undefined ? told.input : Buffer.from(told.input_b64, 'base64')
  return { id: told.task, input, attempt: told.attempt || 1, fence: told.fence }
}

/** Half of a surrogate pair has no place in UTF-8. */
function wellFormed(text) {
  return /[\ud800-\udfff]/.test(text) ? Buffer.from(text).toString() : text
}

function answerOf(result) {
  if (result === undefined || result === null) return undefined
  if (typeof result === 'string') return { output: wellFormed(result) }
  if (result instanceof Uint8Array) return { output_b64: Buffer.from(result).toString('base64') }
  return { error: `TypeError: a handler returns a string, a Buffer or nothing, not ${typeof result}` }
}

/**
 * Handles tasks until there are no more. What is slow to set up belongs before it.
 * @param {(task: {id: number, input: string | Buffer, attempt: number, fence?: number}) => any} work
 * @param {{atOnce?: number, fence?: boolean}} [options]
 */
function run(work, { atOnce = 1, fence = false } = {}) {
  console.log = console.info = console.debug = console.error
  const hello = { divvy: 1 }
  if (atOnce > 1) hello.batch = atOnce
  if (fence) hello.fence = true
  process.stdout.write(JSON.stringify(hello) + '\n')

  const answers = new Answers()
  let waiting = []
  let at = 0 // how many of them have been begun
  let running = 0

  const end = (task, answer) => {
    running -= 1
    answers.add(task.id, answer)
  }
  const fail = (task, error) => end(task, { error: wellFormed(String(error)) })
  // One after the other as far as that goes without waiting; a loop, since a call for each would be a deep stack.
  const next = () => {
    while (running < atOnce && at < waiting.length) {
      const task = waiting[at]
      at += 1
      running += 1
      let result
      try {
        result = work(task)
      } catch (error) {
        fail(task, error)
        continue
      }
      if (result !== null && typeof result === 'object' && typeof result.then === 'function') {
        result.then(value => end(task, answerOf(value)), error => fail(task, error)).then(next)
      } else {
        end(task, answerOf(result))
      }
    }
  }

  let rest = ''
  const stdin = fs.createReadStream(null, { fd: 0, encoding: 'utf8', highWaterMark: 1 << 16 })
  stdin.on('data', text => {
    const lines = (rest + text).split('\n')
    rest = lines.pop()
    if (lines.length === 0) return
    waiting = waiting.slice(at)
    at = 0
    // One call of the parser for all lines together.
    for (const told of JSON.parse('[' + lines.join(',') + ']')) {
      if (Array.isArray(told)) for (const each of told) waiting.push(taskOf(each))
      else waiting.push(taskOf(told))
    }
    next()
  })
}

module.exports = { run }
