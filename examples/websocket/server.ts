import { expose } from 'tickwell'
import { adapter } from './adapter'

void expose(adapter)
