import { price, PullPeer, secrets } from './pull-peer'

/** A peer in a process of its own: says its URL, and ends with its parent. */
const main = async (): Promise<void> => {
  const peer = await PullPeer.start()
  peer.entities = [secrets, [price(1, 'BTC', '64000.5')], [price(2, 'ETH', 3000.25)]]
  process.on('disconnect', () => process.exit(0))
  process.send?.(peer.url)
}

void main()
