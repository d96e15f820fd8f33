// The least that any client can need: one ready-made request over 50 sockets, and answers that nobody reads. `node bench/socket-loop.mjs <base url> <count>`.
import { connect } from 'node:net'

const [, , baseURL, count] = process.argv
const { hostname, port, host, pathname } = new URL(`${baseURL}/chat/completions`)
const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'Answer shortly: What is it?' }] })
const request = `POST ${pathname} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
let [next, answered] = [0, 0]

await new Promise((done) => {
  for (let nth = 0; nth < 50; nth++) {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true })
    const ask = () => {
      if (next++ < Number(count)) socket.write(request)
    }
    socket.on('connect', ask).on('data', () => {
      ask()
      if (++answered === Number(count)) done()
    })
  }
})
process.exit(0)
